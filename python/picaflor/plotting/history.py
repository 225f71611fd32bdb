"""Loss and metrics over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.plotting.style import FAINT, INK, new_or_given_axes, next_color

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_history"]


def plot_history(
    history: Any,
    metric: str = "loss",
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: str | None = None,
) -> Axes:
    """Draw a quantity over the epochs of a training, with its validation curve if there is one.

    Parameters
    ----------
    history : History or mapping
        What ``model.fit`` returns, or its ``history`` dictionary of lists.
    metric : str, default "loss"
        Key to draw; ``"val_" + metric`` is drawn dashed where it was recorded, with a dot on its
        best epoch.
    ax : matplotlib.axes.Axes or None, default None
        Where to draw; ``None`` makes a figure. Call again with the same Axes to compare trainings.
    label : str or None, default None
        Name of the training in the legend.
    color : str or None, default None
        Colour of the curves; ``None`` takes the next one.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the history has no such metric.

    Examples
    --------
    >>> from picaflor.plotting import plot_history
    >>> ax = plot_history({"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.8]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'loss')
    """
    record = getattr(history, "history", history)
    if not isinstance(record, Mapping):
        raise TypeError(
            f"history must be a History or a mapping of lists, got {type(history).__name__}"
        )
    if metric not in record:
        raise ValueError(f"metric must be one of {', '.join(map(repr, record))}, got {metric!r}")
    ax = new_or_given_axes("plot_history", ax)
    from matplotlib.ticker import MaxNLocator

    # epochs count from 1 to the reader, who has done one after the first
    start = (getattr(history, "epoch", None) or [0])[0] + 1

    color = color or next_color(ax)
    values = np.asarray(record[metric], dtype=float)
    epochs = np.arange(start, start + len(values))
    # one point makes no line
    marker = "o" if len(values) == 1 else ""
    ax.plot(epochs, values, color=color, lw=2, marker=marker, label=label or "training")
    if f"val_{metric}" in record:
        validation = np.asarray(record[f"val_{metric}"], dtype=float)
        val_label = f"{label}, validation" if label else "validation"
        ax.plot(epochs, validation, color=color, lw=2, ls=(0, (3, 1.5)), label=val_label)
        if np.isfinite(validation).any():
            best = _best(metric, validation)
            ax.plot(epochs[best], validation[best], "o", color=color, mec="white", ms=8)
    ax.set_xlabel("epoch")
    ax.set_ylabel(metric.replace("_", " "))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=FAINT, lw=0.6, alpha=0.6)
    if len(ax.get_lines()) > 1:
        ax.legend(frameon=False, labelcolor=INK)
    return ax


def _best(metric: str, values: npt.NDArray[np.float64]) -> int:
    """Return the index of the best value: the largest accuracy, the smallest of everything else."""
    larger_is_better = ("acc", "precision", "recall", "auc", "f1", "r2", "cosine_similarity")
    if any(word in metric.lower() for word in larger_is_better):
        return int(np.nanargmax(values))
    return int(np.nanargmin(values))
