// The enumerations of table.hpp by the names that Python uses.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "picaflor/kernels/table.hpp"

namespace picaflor::bind {

namespace py = pybind11;

template <class Enum, std::size_t N>
using Names = std::array<std::pair<std::string_view, Enum>, N>;

inline constexpr Names<ActivationKind, 18> kActivationNames{{
    {"linear", ActivationKind::linear},
    {"relu", ActivationKind::relu},
    {"clipped_relu", ActivationKind::clipped_relu},
    {"leaky_relu", ActivationKind::leaky_relu},
    {"elu", ActivationKind::elu},
    {"selu", ActivationKind::selu},
    {"sigmoid", ActivationKind::sigmoid},
    {"hard_sigmoid", ActivationKind::hard_sigmoid},
    {"tanh", ActivationKind::tanh},
    {"softplus", ActivationKind::softplus},
    {"softsign", ActivationKind::softsign},
    {"silu", ActivationKind::silu},
    {"hard_silu", ActivationKind::hard_silu},
    {"gelu", ActivationKind::gelu},
    {"exponential", ActivationKind::exponential},
    {"step", ActivationKind::step},
    {"softmax", ActivationKind::softmax},
    {"log_softmax", ActivationKind::log_softmax},
}};

inline constexpr Names<LossKind, 17> kLossNames{{
    {"squared_error", LossKind::squared_error},
    {"absolute_error", LossKind::absolute_error},
    {"huber", LossKind::huber},
    {"log_cosh", LossKind::log_cosh},
    {"squared_log_error", LossKind::squared_log_error},
    {"absolute_percentage_error", LossKind::absolute_percentage_error},
    {"poisson", LossKind::poisson},
    {"poisson_log", LossKind::poisson_log},
    {"hinge", LossKind::hinge},
    {"squared_hinge", LossKind::squared_hinge},
    {"categorical_hinge", LossKind::categorical_hinge},
    {"kl_divergence", LossKind::kl_divergence},
    {"cosine_similarity", LossKind::cosine_similarity},
    {"binary_cross_entropy", LossKind::binary_cross_entropy},
    {"binary_cross_entropy_logits", LossKind::binary_cross_entropy_logits},
    {"categorical_cross_entropy", LossKind::categorical_cross_entropy},
    {"categorical_cross_entropy_logits", LossKind::categorical_cross_entropy_logits},
}};

inline constexpr Names<MetricKind, 6> kMetricNames{{
    {"accuracy", MetricKind::accuracy},
    {"binary_accuracy", MetricKind::binary_accuracy},
    {"categorical_accuracy", MetricKind::categorical_accuracy},
    {"sparse_categorical_accuracy", MetricKind::sparse_categorical_accuracy},
    {"squared_error", MetricKind::squared_error},
    {"absolute_error", MetricKind::absolute_error},
}};

template <class Enum, std::size_t N>
Enum named(const Names<Enum, N>& names, const std::string& name, const char* what) {
  for (const auto& [text, value] : names) {
    if (text == name) return value;
  }
  std::string known;
  for (const auto& [text, value] : names) known += (known.empty() ? "" : ", ") + std::string(text);
  throw py::value_error("unknown " + std::string(what) + " '" + name + "'; known are " + known);
}

}  // namespace picaflor::bind
