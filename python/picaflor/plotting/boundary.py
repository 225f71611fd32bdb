"""The regions of the plane that a classifier tells apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.plotting.style import COLORS, INK, new_or_given_axes

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_decision_boundary"]


def plot_decision_boundary(
    model: Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    *,
    threshold: float = 0.5,
    resolution: int = 200,
    margin: float = 0.1,
) -> Axes:
    """Draw which class a model gives every point of the plane, and the samples on top.

    The stronger the colour, the surer the model, where it returns probabilities.

    Parameters
    ----------
    model : Sequential, estimator or callable
        Something with ``predict_proba`` or ``predict``, or a function of points ``(n, 2)``. A
        result of shape ``(n, c)`` means scores of ``c`` classes, the largest wins; ``(n, 1)`` or
        floats ``(n,)`` the score of the second of two classes; integers ``(n,)`` class labels.
    x : array-like, shape (n, 2)
        Samples.
    y : array-like, shape (n,)
        Their classes. Sorted, they are the classes of the model's columns.
    ax : matplotlib.axes.Axes or None, default None
        Where to draw; ``None`` makes a figure.
    threshold : float, default 0.5
        Score above which a model of one output says "second class" (0 for logits).
    resolution : int, default 200
        Points of the grid along each side.
    margin : float, default 0.1
        Room around the samples, as a share of their extent.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `x` has not two columns, or `y` not one class per sample.

    Examples
    --------
    >>> from picaflor.datasets import make_moons
    >>> from picaflor.plotting import plot_decision_boundary
    >>> x, y = make_moons(50, noise=0.1, random_state=0)
    >>> ax = plot_decision_boundary(lambda points: points[:, :1] - points[:, 1:], x, y)
    """
    points = np.asarray(x, dtype=float)
    labels = np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(f"x must have shape (n, 2) with n > 0, got {points.shape}")
    if labels.shape == (len(points), 1):
        labels = labels[:, 0]
    if labels.shape != (len(points),):
        raise ValueError(f"y must have shape ({len(points)},), got {labels.shape}")
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    ax = new_or_given_axes("plot_decision_boundary", ax)
    from matplotlib.colors import to_rgb

    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * np.maximum(high - low, 1e-9)
    low, high = low - room, high + room
    grid_x, grid_y = (np.linspace(a, b, resolution) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(grid_x, grid_y), axis=-1).reshape(-1, 2)

    scores = _scores(model, grid)
    classes = np.unique(labels)
    if scores.ndim == 1 and not np.issubdtype(scores.dtype, np.floating):
        classes = np.union1d(classes, scores)
    lead, certainty = _lead(scores, classes, threshold)
    winner = lead.argmax(axis=1)
    rgb = np.array([to_rgb(COLORS[k % len(COLORS)]) for k in range(lead.shape[1])])
    # from nearly white at a coin's toss to half the colour where the model is sure
    strength = (0.08 + 0.42 * certainty)[:, None]
    picture = 1 - strength * (1 - rgb[winner])
    ax.imshow(
        picture.reshape(resolution, resolution, 3),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    shape = (resolution, resolution)
    for k in range(lead.shape[1]):
        if lead[:, k].min() < 0 < lead[:, k].max():
            height = lead[:, k].reshape(shape)
            ax.contour(grid_x, grid_y, height, levels=[0], colors=INK, linewidths=0.8)
    for k, name in enumerate(classes):
        dots = points[labels == name]
        color = COLORS[k % len(COLORS)]
        ax.scatter(dots[:, 0], dots[:, 1], s=22, color=color, ec="white", lw=0.6, label=name)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.legend(framealpha=0.85, edgecolor="none", labelcolor=INK)
    return ax


def _scores(model: Any, points: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(points))
    if not hasattr(model, "predict"):
        return np.asarray(model(points))
    if hasattr(model, "compile"):  # Keras's kind of model shows a progress bar unless told not to
        return np.asarray(model.predict(points, verbose=0))
    return np.asarray(model.predict(points))


def _lead(
    scores: npt.NDArray[Any], classes: npt.NDArray[Any], threshold: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how far each class is ahead of the best other one, and a certainty in [0, 1].

    Shapes (n, c) and (n,). The lead is zero on the border of a region, so its contour is smooth.
    """
    certainty = np.ones(len(scores))
    if scores.ndim == 2 and scores.shape[1] > 1:
        each = scores.astype(float)
        # float32 probabilities sum to one within the rounding of their number
        if np.all(each >= 0) and np.allclose(each.sum(axis=1), 1, atol=1e-3):
            c = each.shape[1]
            certainty = (each.max(axis=1) - 1 / c) / (1 - 1 / c)
    elif np.issubdtype(scores.dtype, np.floating):
        score = scores.reshape(len(scores)).astype(float)
        each = np.column_stack([threshold - score, score - threshold])
        if threshold == 0.5 and score.min() >= 0 and score.max() <= 1:
            certainty = np.abs(2 * score - 1)
    else:
        each = (scores.reshape(-1, 1) == classes).astype(float)
    if each.shape[1] == 1:  # a class without another one to be ahead of
        return each, certainty
    others = np.sort(each, axis=1)[:, -2:]  # the best and the second best
    best_other = np.where(each == others[:, 1:], others[:, :1], others[:, 1:])
    return each - best_other, certainty
