"""How good predictions are, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.cli.data import Meaning

if TYPE_CHECKING:
    import numpy.typing as npt


def score(meaning: Meaning, predictions: npt.NDArray[Any], y: npt.NDArray[Any]) -> str:
    """Return the accuracy, or mean absolute error and R^2, as text."""
    if meaning.task == "classification":
        return f"accuracy {np.mean(predictions.argmax(axis=1) == y):.4f}"
    error = predictions[:, 0].astype(np.float64) - y
    spread = float(np.sum(np.square(y - y.mean())))
    text = f"mean absolute error {np.mean(np.abs(error)):.6g}"
    if spread > 0:  # otherwise there is nothing to explain
        text += f", R2 {1 - float(error @ error) / spread:.4f}"
    return text
