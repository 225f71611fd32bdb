// One function per binding file; module.cpp calls them in turn.
#pragma once

#include <pybind11/pybind11.h>

namespace picaflor {

void bind_dense(pybind11::module_& m);
void bind_functional(pybind11::module_& m);
void bind_layers(pybind11::module_& m);
void bind_losses(pybind11::module_& m);
void bind_network(pybind11::module_& m);
void bind_optimizers(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);
void bind_shuffle(pybind11::module_& m);

}  // namespace picaflor
