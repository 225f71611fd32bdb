// The order in which an epoch goes through its rows.
#include <pybind11/numpy.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "bindings.hpp"
#include "picaflor/network/shuffle.hpp"

namespace py = pybind11;

namespace picaflor {
namespace {

py::array_t<std::int64_t> shuffled_rows(Index n, const py::capsule& bit_generator) {
  if (n < 0 || n > kMostRowsShuffled) {
    throw py::value_error("n must be in [0, " + std::to_string(kMostRowsShuffled) + "], got " +
                          std::to_string(n));
  }
  const char* const name = bit_generator.name();
  if (name == nullptr || std::strcmp(name, "BitGenerator") != 0) {
    throw py::type_error("bit_generator must be the capsule of a NumPy bit generator");
  }
  const auto& bits = *bit_generator.get_pointer<const BitGenerator>();
  py::array_t<std::int64_t> rows(n);
  std::int64_t* const first = rows.mutable_data();
  {
    const py::gil_scoped_release released;
    shuffle_rows(bits, n, first);
  }
  return rows;
}

}  // namespace

void bind_shuffle(py::module_& m) {
  m.def("shuffled_rows", &shuffled_rows, py::arg("n"), py::arg("bit_generator"),
        "The numbers below n in a random order. The generator's lock must be held.");
}

}  // namespace picaflor
