"""Typed face of the compiled module."""

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
def preferred_isa_level(v2: bool, v3: bool, v4: bool, amd: bool, family: int) -> str: ...
def set_num_threads(n: int) -> None: ...
def swap_caller_threads(n: int) -> int: ...

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
