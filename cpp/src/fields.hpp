// Reading the dicts that Python describes layers and optimizers with.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace picaflor::bind {

namespace py = pybind11;

// Takes the entries of a dict one by one; what nobody took is an error.
class Fields {
 public:
  explicit Fields(const py::dict& d) : left_(d.attr("copy")().cast<py::dict>()) {}

  template <class Value>
  void take(const char* key, Value& value) {
    if (left_.contains(key)) value = left_.attr("pop")(key).cast<Value>();
  }
  void finish(const char* what) const {
    if (left_.size() != 0) {
      throw py::value_error(std::string("unknown entries for ") + what + ": " +
                            py::str(left_).cast<std::string>());
    }
  }

 private:
  py::dict left_;
};

}  // namespace picaflor::bind
