// How many threads this process should use unless told otherwise.
#pragma once

#include <string>

namespace picaflor {

// PICAFLOR_NUM_THREADS, else the first number of OMP_NUM_THREADS, else available_cpus(); at most kMaxThreads.
// Throws std::runtime_error when PICAFLOR_NUM_THREADS is not a number >= 1.
int default_num_threads();

// The CPUs this process may use: its affinity, and the CPU time its control group grants, rounded up.
int available_cpus();

// The CPUs that the control groups of a process grant: the lowest quota / period on the way from its group to
// the root, in version 1 or 2 of the interface; infinity when there is no quota.
//   groups   the text of /proc/self/cgroup
//   root     where the control groups are mounted
double cgroup_cpus(const std::string& groups, const std::string& root);

}  // namespace picaflor
