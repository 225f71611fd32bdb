#include "picaflor/runtime/cpus.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "picaflor/runtime/parallel.hpp"

#ifdef __linux__
#include <sched.h>
#endif

namespace picaflor {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// The number at the start of `text`, or 0 when there is none that is >= 1 before the end or a comma.
int leading_count(std::string_view text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool whole = end == text.data() + text.size() || *end == ',';
  return error == std::errc{} && whole ? n : 0;
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

int affinity_cpus() {
#ifdef __linux__
  // The kernel refuses a set smaller than its own; 64 times the usual 1024 is more than any has.
  for (int cpus = 1024; cpus <= 65536; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const int failed = sched_getaffinity(0, size, set);
    const int count = failed == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Version 2: "max 100000" or "50000 100000", quota and period in one file.
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// Version 1: one file each; a quota of -1 is none.
double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period && quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// The lowest quota of `path` and the groups above it.  In a container the path is often the host's and does
// not exist below the mount; the walk then ends at the mount itself, which is the container's own group.
double lowest_quota(double (*quota)(const std::string&), const std::string& mount, std::string path) {
  double lowest = kNoQuota;
  while (true) {
    lowest = std::min(lowest, quota(mount + path));
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return lowest;
    path.resize(slash);
  }
}

}  // namespace

double cgroup_cpus(const std::string& groups, const std::string& root) {
  double lowest = kNoQuota;
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // hierarchy:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      lowest = std::min(lowest, lowest_quota(quota_v2, root, path));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      for (const std::string& mount : {root + "/" + controllers, root + "/cpu"}) {
        lowest = std::min(lowest, lowest_quota(quota_v1, mount, path));
      }
    }
  }
  return lowest;
}

int available_cpus() {
  int cpus = affinity_cpus();
#ifdef __linux__
  std::ifstream file("/proc/self/cgroup");
  const std::string groups{std::istreambuf_iterator<char>(file), {}};
  const double quota = cgroup_cpus(groups, "/sys/fs/cgroup");
  if (quota < cpus) cpus = std::max(1, static_cast<int>(std::ceil(quota)));
#endif
  return cpus;
}

int default_num_threads() {
  const std::string_view own = environment("PICAFLOR_NUM_THREADS");
  if (!own.empty()) {
    const int n = leading_count(own);
    if (n < 1 || n > kMaxThreads || own.find(',') != std::string_view::npos) {
      throw std::runtime_error("PICAFLOR_NUM_THREADS must be a number from 1 to " +
                               std::to_string(kMaxThreads) + ", got " + std::string(own));
    }
    return n;
  }
  const int openmp = leading_count(environment("OMP_NUM_THREADS"));  // "4,2" means 4 at the outer level
  return std::min(openmp >= 1 ? openmp : available_cpus(), kMaxThreads);
}

}  // namespace picaflor
