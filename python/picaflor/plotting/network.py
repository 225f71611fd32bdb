"""The units of a network and the weights between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.plotting.style import COLORS, INK, new_or_given_axes

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_network"]


def plot_network(model: Any, ax: Axes | None = None, *, max_units: int = 12) -> Axes:
    """Draw the units of a dense network and its weights as lines between them.

    Blue lines are negative weights, orange ones positive; the largest weight of each layer is drawn
    in full colour and the others fade in proportion.

    Parameters
    ----------
    model : Sequential
        A built model; its layers with a kernel are drawn.
    ax : matplotlib.axes.Axes or None, default None
        Where to draw; ``None`` makes a figure.
    max_units : int, default 12
        Of a wider layer the first and the last units are drawn, and dots for what lies between.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the model has no weights yet, or no dense layer.

    Examples
    --------
    >>> import picaflor as pf
    >>> model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(5), pf.layers.Dense(1)])
    >>> ax = pf.plotting.plot_network(model)
    """
    if max_units < 3:
        raise ValueError(f"max_units must be at least 3, got {max_units}")
    dense = []
    for layer in model.layers:
        kernels = [w for w in map(np.asarray, layer.get_weights()) if w.ndim == 2]
        if kernels:
            dense.append((layer, kernels[0]))
    if not dense:
        raise ValueError("model must be built and have a dense layer, got none with weights")
    ax = new_or_given_axes("plot_network", ax)
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    sizes = [dense[0][1].shape[0], *(kernel.shape[1] for _, kernel in dense)]
    places = [_unit_places(size, max_units) for size in sizes]
    positive, negative = np.array(to_rgb(COLORS[1])), np.array(to_rgb(COLORS[0]))
    for k, (_, kernel) in enumerate(dense):
        (left, left_y), (right, right_y) = places[k], places[k + 1]
        weights = kernel[np.ix_(left, right)].ravel()
        ends = np.empty((len(left), len(right), 2, 2))
        ends[..., 0, 0], ends[..., 1, 0] = k, k + 1
        ends[..., 0, 1], ends[..., 1, 1] = left_y[:, None], right_y[None, :]
        strength = np.abs(weights) / (np.abs(kernel).max() or 1.0)
        colors = np.empty((len(weights), 4))
        colors[:, :3] = np.where((weights > 0)[:, None], positive, negative)
        colors[:, 3] = 0.04 + 0.9 * strength
        faint_first = np.argsort(strength)
        ax.add_collection(
            LineCollection(
                list(ends.reshape(-1, 2, 2)[faint_first]),
                colors=colors[faint_first],
                linewidths=0.4 + 1.6 * strength[faint_first],
                zorder=1,
            )
        )
    top = max(float(y.max()) for _, y in places)
    for k, (units, y) in enumerate(places):
        ax.scatter(np.full(len(y), k), y, s=90, color="white", ec=INK, lw=1.2, zorder=2)
        if len(units) < sizes[k]:
            ax.text(k, 0, "⋮", ha="center", va="center", fontsize=16, color=INK)
        title = "input" if k == 0 else dense[k - 1][0].name
        ax.text(
            k, top + 0.8, f"{title}\n{sizes[k]}", ha="center", va="bottom", color=INK, fontsize=9
        )
    ax.set_xlim(-0.5, len(sizes) - 0.5)
    ax.set_ylim(-top - 0.8, top + 2.4)
    ax.set_axis_off()
    return ax


def _unit_places(size: int, max_units: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return which units of a layer are drawn, and how high, centred on zero."""
    if size <= max_units:
        return np.arange(size), (size - 1) / 2 - np.arange(size, dtype=float)
    upper = max_units // 2
    lower = max_units - 1 - upper
    units = np.concatenate([np.arange(upper), np.arange(size - lower, size)])
    rows = np.concatenate([np.arange(upper), np.arange(upper + 1, max_units)])
    middle = float(upper)  # the row of the dots
    return units, middle - rows
