"""The kernels on NumPy arrays: activations, softmax, dense layers, losses, and their gradients.

The names and signatures are those of `picaflor.reference`, which says the same in plain NumPy.
"""

from __future__ import annotations

from picaflor._functional_dense import (
    dense_backward,
    dense_forward,
)
from picaflor._functional_losses import (
    huber,
    mean_absolute_error,
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from picaflor._functional_rectifiers import (
    clipped_relu,
    clipped_relu_backward,
    elu,
    elu_backward,
    leaky_relu,
    leaky_relu_backward,
    linear,
    linear_backward,
    relu,
    relu_backward,
    selu,
    selu_backward,
)
from picaflor._functional_sigmoids import (
    hard_sigmoid,
    hard_sigmoid_backward,
    sigmoid,
    sigmoid_backward,
    softsign,
    softsign_backward,
    step,
    step_backward,
    tanh,
    tanh_backward,
)
from picaflor._functional_smooth import (
    exponential,
    exponential_backward,
    gelu,
    gelu_backward,
    hard_silu,
    hard_silu_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
)
from picaflor._functional_softmax import (
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)

__all__ = [
    "clipped_relu",
    "clipped_relu_backward",
    "dense_backward",
    "dense_forward",
    "elu",
    "elu_backward",
    "exponential",
    "exponential_backward",
    "gelu",
    "gelu_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_silu",
    "hard_silu_backward",
    "huber",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "mean_absolute_error",
    "mean_squared_error",
    "relu",
    "relu_backward",
    "selu",
    "selu_backward",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_cross_entropy",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "step",
    "step_backward",
    "tanh",
    "tanh_backward",
]
