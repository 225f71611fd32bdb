// Table of contents of picaflor._core.
#include "bindings.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled part of picaflor; see the Python modules for the public names.";
  picaflor::bind_dense(m);
  picaflor::bind_functional(m);
  picaflor::bind_layers(m);
  picaflor::bind_losses(m);
  picaflor::bind_network(m);
  picaflor::bind_optimizers(m);
  picaflor::bind_runtime(m);
  picaflor::bind_shuffle(m);
}
