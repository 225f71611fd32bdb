"""Typed face of the compiled module."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

# ---- runtime (bind_runtime.cpp) ----
def available_cpus() -> int: ...
def build_info() -> dict[str, str]: ...
def cgroup_cpus(groups: str, root: str) -> float: ...
def get_num_threads() -> int: ...
def isa_level() -> str: ...
def isa_levels() -> list[str]: ...
def set_num_threads(n: int) -> None: ...
def swap_caller_threads(n: int) -> int: ...

# ---- the order of an epoch (bind_shuffle.cpp) ----
def shuffled_rows(n: int, bit_generator: Any) -> npt.NDArray[np.int64]: ...

# ---- activations and softmax (bind_functional.cpp) ----
def clipped_relu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def clipped_relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def elu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def elu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def exponential(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def exponential_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def gelu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def gelu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def hard_sigmoid(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def hard_sigmoid_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def hard_silu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def hard_silu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def leaky_relu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def leaky_relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def linear(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def linear_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def relu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def selu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def selu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def sigmoid(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def sigmoid_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def silu(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def silu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def softplus(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def softplus_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def softsign(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def softsign_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def step(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def step_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def tanh(
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def tanh_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    out: npt.NDArray[Any] | None,
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Any: ...
def log_softmax(x: npt.ArrayLike, axis: int) -> npt.NDArray[Any]: ...
def log_softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int) -> npt.NDArray[Any]: ...
def softmax(x: npt.ArrayLike, axis: int) -> npt.NDArray[Any]: ...
def softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int) -> npt.NDArray[Any]: ...

# ---- dense (bind_dense.cpp) ----
def dense_forward(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None,
    activation: str | None,
    a: float,
    b: float,
    c: float,
    out: npt.NDArray[Any] | None,
) -> npt.NDArray[Any]: ...
def dense_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, weight: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]: ...
def gather_rows(
    x: npt.NDArray[Any],
    rows: npt.NDArray[np.int64] | None,
    first: int,
    ahead: int,
    out: npt.NDArray[Any],
) -> None: ...

# ---- optimizers on plain arrays (bind_optimizers.cpp) ----
class OptimizerRule:
    def __init__(self, rule: dict[str, Any]) -> None: ...
    @property
    def slots(self) -> int: ...
    @property
    def initial_slot(self) -> float: ...
    def apply(
        self,
        iteration: int,
        learning_rate: float,
        variables: list[Any],
        gradients: list[Any],
        slots: list[list[Any]],
    ) -> None: ...

# ---- losses on arrays (bind_losses.cpp) ----
def loss(
    kind: str,
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    label_smoothing: float,
    delta: float,
    factor: float,
    ceiling: float,
    reduction: int,
    gradient: bool,
    pred_name: str,
    target_name: str,
) -> tuple[Any, Any]: ...
def metric(
    kind: str,
    threshold: float,
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
) -> float: ...

# ---- network (bind_network.cpp) ----
class RangeResult:
    """Sums over a range of minibatches."""

    @property
    def rows(self) -> int: ...
    @property
    def batches(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def metrics(self) -> list[float]: ...
    @property
    def metric_weights(self) -> list[float]: ...
    @property
    def bad_batch(self) -> int: ...

class Network:
    """The compiled network of a model."""

    def __init__(
        self, input_size: int, layers: Sequence[dict[str, Any]], dtype: str, seed: int
    ) -> None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def input_size(self) -> int: ...
    @property
    def output_size(self) -> int: ...
    @property
    def parameters(self) -> list[npt.NDArray[Any]]: ...
    @property
    def gradients(self) -> list[npt.NDArray[Any]]: ...
    @property
    def slots(self) -> list[list[npt.NDArray[Any]]]: ...
    @property
    def trained(self) -> list[bool]: ...
    @property
    def output(self) -> npt.NDArray[Any]: ...
    iterations: int
    random_state: tuple[int, int]
    def set_trainable(self, layer: int, trainable: bool) -> None: ...
    def set_loss(
        self,
        kind: str,
        *,
        label_smoothing: float = 0.0,
        delta: float = 1.0,
        factor: float = 1.0,
        ceiling: float = ...,
        divide_by: str = "rows",
        penalty_per_sample: bool = False,
    ) -> None: ...
    def set_metrics(self, metrics: Sequence[dict[str, Any]]) -> None: ...
    def set_optimizer(self, config: dict[str, Any], keep_state: bool = False) -> None: ...
    def train(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        order: npt.NDArray[np.int64] | None,
        start: int,
        stop: int,
        batch_size: int,
        learning_rates: npt.NDArray[np.float64],
        time_limit: float = ...,
    ) -> RangeResult: ...
    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        start: int,
        stop: int,
        batch_size: int,
        time_limit: float = ...,
    ) -> RangeResult: ...
    def loss_and_gradients(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        training: bool = False,
    ) -> float: ...
    def apply_gradients(self, learning_rate: float) -> None: ...
    def predict(
        self, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]: ...

# ---- layers without a product, for the tests of their kernels (bind_layers.cpp) ----
def dropout(
    x: npt.ArrayLike, rate: float, seed: int, stream: int = 0, first: int = 0
) -> npt.NDArray[Any]: ...
def gaussian_noise(
    x: npt.ArrayLike, stddev: float, seed: int, stream: int = 0, first: int = 0
) -> npt.NDArray[Any]: ...
def normalize(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike | None,
    beta: npt.ArrayLike | None,
    epsilon: float,
    *,
    by_rows: bool,
    moving: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None,
    momentum: float = 0.0,
    training: bool = True,
) -> tuple[npt.NDArray[Any], tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]: ...
def normalize_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    gamma: npt.ArrayLike | None,
    moments: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    *,
    by_rows: bool,
    training: bool = True,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]: ...
