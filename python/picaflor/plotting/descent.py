"""The path of a first-order descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.plotting.style import FAINT, INK, new_or_given_axes, next_color

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_descent"]


def plot_descent(
    result: Any,
    fun: Callable[[npt.NDArray[np.float64]], Any] | None = None,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: str | None = None,
    bounds: Sequence[tuple[float, float]] | None = None,
) -> Axes:
    """Draw the path of a descent of one or two variables over the function it went down.

    Parameters
    ----------
    result : OptimizeResult
        What `picaflor.minimize` returns: its ``path`` and ``losses`` are drawn.
    fun : callable or None, default None
        The function that was minimised: drawn as a curve (one variable) or as contours (two).
        ``None`` draws the path alone, for a second descent in the same Axes.
    ax : matplotlib.axes.Axes or None, default None
        Where to draw; ``None`` makes a figure.
    label : str or None, default None
        Name of the path in the legend.
    color : str or None, default None
        Colour of the path; ``None`` takes the next one.
    bounds : sequence of (low, high) or None, default None
        Part of the plane or line to draw `fun` on, a pair for each variable; ``None`` takes the
        path's extent and some room. A descent that diverged wants bounds.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the descent was in more than two variables, or `bounds` has not one pair for each.

    Examples
    --------
    >>> import picaflor as pf
    >>> parabola = lambda x: float(x[0] ** 2)
    >>> result = pf.minimize(parabola, [2.0], optimizer=pf.optimizers.SGD(0.1))
    >>> ax = pf.plotting.plot_descent(result, parabola)
    """
    path = np.asarray(result.path, dtype=float)
    steps, shape = len(path), path.shape[1:]
    path = path.reshape(steps, -1)
    losses = np.asarray(result.losses, dtype=float)
    variables = path.shape[1]
    if variables not in (1, 2):
        raise ValueError(f"plot_descent draws one or two variables, got x of shape {shape}")
    if bounds is not None and (len(bounds) != variables or any(len(b) != 2 for b in bounds)):
        raise ValueError(f"bounds must have {variables} pairs (low, high), got {bounds!r}")
    ax = new_or_given_axes("plot_descent", ax)

    # what overflowed is no place in the picture
    finite = np.isfinite(path).all(axis=1) & np.isfinite(losses)
    path, losses = path[finite], losses[finite]
    limits = _limits(path, bounds)
    if variables == 1:
        _descent_on_line(ax, path[:, 0], losses, fun, shape, limits[0], label, color)
    else:
        _descent_on_plane(ax, path, fun, shape, limits, label, color)
    if label is not None:
        ax.legend(framealpha=0.85, edgecolor="none", labelcolor=INK)
    return ax


def _limits(
    path: npt.NDArray[np.float64], bounds: Sequence[tuple[float, float]] | None
) -> list[tuple[float, float]]:
    if bounds is not None:
        return [(float(low), float(high)) for low, high in bounds]
    limits = []
    for low, high in zip(path.min(axis=0), path.max(axis=0), strict=True):
        room = 0.25 * (high - low) or 1.0
        limits.append((low - room, high + room))
    return limits


def _descent_on_line(
    ax: Axes,
    x: npt.NDArray[np.float64],
    losses: npt.NDArray[np.float64],
    fun: Callable[..., Any] | None,
    shape: tuple[int, ...],
    limits: tuple[float, float],
    label: str | None,
    color: str | None,
) -> None:
    if fun is not None:
        grid = np.linspace(*limits, 400)
        curve = np.array([float(fun(point.reshape(shape))) for point in grid])
        ax.plot(grid, curve, color=FAINT, lw=2.5, zorder=1)
        room = 0.08 * float(np.ptp(curve))
        ax.set_ylim(curve.min() - room, curve.max() + room)
        ax.set_xlim(*limits)
    color = color or next_color(ax)
    _draw_path(ax, x, losses, color, label)
    ax.set_xlabel("x")
    ax.set_ylabel("loss")


def _descent_on_plane(
    ax: Axes,
    path: npt.NDArray[np.float64],
    fun: Callable[..., Any] | None,
    shape: tuple[int, ...],
    limits: list[tuple[float, float]],
    label: str | None,
    color: str | None,
) -> None:
    if fun is not None:
        grid_x, grid_y = (np.linspace(low, high, 120) for low, high in limits)
        points = np.stack(np.meshgrid(grid_x, grid_y), axis=-1).reshape(-1, *shape)
        height = np.array([float(fun(point)) for point in points]).reshape(120, 120)
        # levels by rank: as many lines in the flat valley as on the steep walls
        levels = np.unique(np.quantile(height[np.isfinite(height)], np.linspace(0, 1, 18)))
        if len(levels) > 1:
            ax.contourf(grid_x, grid_y, height, levels=levels, cmap="Blues_r", alpha=0.4)
            ax.contour(grid_x, grid_y, height, levels=levels, colors="white", linewidths=0.8)
        ax.set_xlim(*limits[0])
        ax.set_ylim(*limits[1])
    color = color or next_color(ax, skip=1)  # the first colour is the contours' own
    _draw_path(ax, path[:, 0], path[:, 1], color, label)
    ax.set_xlabel("$x_0$")
    ax.set_ylabel("$x_1$")


def _draw_path(
    ax: Axes,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    color: str,
    label: str | None,
) -> None:
    """Draw steps as a line with dots, a ring at the start and a star at the end."""
    dots = "o" if len(x) <= 200 else ""
    ax.plot(x, y, color=color, lw=1.4, marker=dots, ms=3.5, label=label, zorder=3)
    ax.plot(x[:1], y[:1], "o", color="white", mec=color, mew=1.8, ms=9, zorder=4)
    ax.plot(x[-1:], y[-1:], "*", color=color, mec="white", mew=0.8, ms=15, zorder=5)
