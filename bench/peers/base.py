"""What a rival can be asked for; None says that it does not offer this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from networks import Array, Problem

Epoch = Callable[[bool], float]  # takes `shuffle`; returns the mean loss before each step


class Peer:
    """A library in a race; `versions` goes into the report."""

    name = ""
    version = ""

    def trainer(self, problem: Problem) -> Epoch | None:
        """Return what trains one epoch from the problem's weights on."""
        return None

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        """Return what maps the library's own array of a batch to scores, and the conversion."""
        return None

    def elementwise(self, kernel: str, x: Array) -> dict[str, Callable[[], Any]]:
        """Return ways to compute a function of `x`, by name."""
        return {}

    def dense(self, x: Array, w: Array, b: Array, dy: Array) -> dict[str, Callable[[], Any]]:
        """Return ``forward`` -> y and ``backward`` -> (dx, dweight, dbias)."""
        return {}

    def cross_entropy(self, scores: Array, ids: Array) -> Callable[[], Any] | None:
        """Return what computes softmax cross-entropy and its gradient."""
        return None

    def step(self, rule: str, w: Array, g: Array) -> Callable[[], Any] | None:
        """Return what updates `w` in place by the gradient `g`: sgd, momentum or adam at 1e-3."""
        return None
