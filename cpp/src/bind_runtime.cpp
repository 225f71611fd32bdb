// Version, instruction set, threads: what show_config() prints.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "picaflor/runtime/cpus.hpp"
#include "picaflor/runtime/isa.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace py = pybind11;

namespace picaflor {
namespace {

const char* compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#elif defined(_MSC_VER)
  return "msvc";
#else
  return "unknown";
#endif
}

py::dict build_info() {
  py::dict info;
  info["version"] = PICAFLOR_VERSION;
  info["compiler"] = compiler();
  info["eigen"] = PICAFLOR_EIGEN_VERSION;
  info["pybind11"] = PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(
      PYBIND11_VERSION_MINOR) "." PYBIND11_TOSTRING(PYBIND11_VERSION_PATCH);
  return info;
}

}  // namespace

void bind_runtime(py::module_& m) {
  m.attr("__version__") = PICAFLOR_VERSION;
  kernels();          // chosen now, so that a wrong PICAFLOR_ISA is an ImportError
  process_threads();  // and a wrong PICAFLOR_NUM_THREADS
  m.def("isa_level", [] { return kernels().level; }, "Instruction-set level in use.");
  m.def("isa_levels", &runnable_levels, "Levels of this build that run here, the highest first.");
  m.def("set_num_threads", &set_num_threads, py::arg("n"), "Threads that this process uses.");
  m.def("get_num_threads", &num_threads, "Threads that the calling thread would use.");
  m.def("swap_caller_threads", &swap_caller_threads, py::arg("n"),
        "Threads for the calling thread alone, 0 for as the process; returns what it was before.");
  m.def("available_cpus", &available_cpus, "CPUs this process may use: affinity and control group.");
  m.def("cgroup_cpus", &cgroup_cpus, py::arg("groups"), py::arg("root"),
        "CPUs that control groups grant; groups is the text of /proc/self/cgroup.");
  m.def("build_info", &build_info, "Version, compiler and libraries of this build.");
}

}  // namespace picaflor
