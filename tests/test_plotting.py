"""Pictures: what is drawn is read back from the Axes; how it looks is for the eye."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import picaflor as pf
from picaflor.datasets import make_moons
from picaflor.plotting import (
    plot_decision_boundary,
    plot_descent,
    plot_history,
    plot_network,
)

matplotlib = pytest.importorskip("matplotlib", reason="the plot extra is not installed")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def rendered(ax):
    """Draw the picture, as saving would, and return its pixels."""
    ax.figure.canvas.draw()
    return np.asarray(ax.figure.canvas.buffer_rgba())


# ---------------------------------------------------------------------------------------- history


def test_plot_history_draws_training_and_validation():
    history = {"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.8], "accuracy": [0.1, 0.2, 0.3]}
    ax = plot_history(history)
    training, validation, best = ax.get_lines()
    np.testing.assert_array_equal(training.get_xydata(), [[1, 0.9], [2, 0.5], [3, 0.4]])
    np.testing.assert_array_equal(validation.get_xydata(), [[1, 1.0], [2, 0.7], [3, 0.8]])
    np.testing.assert_array_equal(best.get_xydata(), [[2, 0.7]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["training", "validation"]
    rendered(ax)


def test_plot_history_marks_the_largest_accuracy_and_passes_over_nan():
    history = {"accuracy": [0.1, 0.2, 0.3], "val_accuracy": [float("nan"), 0.9, 0.2]}
    np.testing.assert_array_equal(
        plot_history(history, "accuracy").get_lines()[-1].get_xydata(), [[2, 0.9]]
    )


def test_plot_history_compares_in_one_axes():
    _, ax = plt.subplots()
    assert plot_history({"loss": [2, 1]}, ax=ax, label="a") is ax
    assert plot_history({"loss": [3, 1]}, ax=ax, label="b") is ax
    first, second = ax.get_lines()
    assert first.get_color() != second.get_color()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]


def test_plot_history_of_a_training():
    x, y = make_moons(40, noise=0.1, random_state=0)
    model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=4, validation_split=0.25, verbose=0)
    lines = plot_history(history, "accuracy").get_lines()
    np.testing.assert_array_equal(lines[0].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(lines[1].get_ydata(), history.history["val_accuracy"])


def test_plot_history_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"metric must be one of 'loss', got 'acuracy'"):
        plot_history({"loss": [1.0]}, "acuracy")
    with pytest.raises(
        TypeError, match="history must be a History or a mapping of lists, got list"
    ):
        plot_history([1.0])


# ------------------------------------------------------------------------------- decision regions


def colour_at(ax, point):
    """Return the colour of the region under a point."""
    picture = ax.get_images()[0]
    left, right, bottom, top = picture.get_extent()
    rows, columns = picture.get_array().shape[:2]
    column = int((point[0] - left) / (right - left) * (columns - 1))
    row = int((point[1] - bottom) / (top - bottom) * (rows - 1))
    return np.asarray(picture.get_array()[row, column])


X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def half_plane(points):
    """Say "second class" with certainty to the right of the y axis."""
    return (points[:, :1] > 0).astype(float)


@pytest.mark.parametrize(
    "model",
    [
        half_plane,
        lambda points: np.hstack([1 - half_plane(points), half_plane(points)]),
        lambda points: np.where(points[:, 0] > 0, 7, 3),
        SimpleNamespace(predict=lambda points: np.where(points[:, 0] > 0, 7, 3)),
        SimpleNamespace(predict_proba=half_plane, predict=None),
    ],
    ids=["one column", "two columns", "labels", "predict", "predict_proba"],
)
def test_plot_decision_boundary_colours_the_halves(model):
    ax = plot_decision_boundary(model, X, np.array([3, 3, 7, 7]), resolution=50)
    left, right = colour_at(ax, (-0.9, 0.3)), colour_at(ax, (0.9, -0.3))
    assert left[2] > left[0], "the first class is blue"
    assert right[0] > right[2], "the second class is orange"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["3", "7"]
    rendered(ax)


def test_plot_decision_boundary_fades_with_doubt():
    def unsure(points):
        return 1 / (1 + np.exp(-points[:, 0]))

    ax = plot_decision_boundary(unsure, X, [0, 0, 1, 1])
    near, far = colour_at(ax, (0.1, 0)), colour_at(ax, (1, 0))
    assert near.min() > far.min()


def test_plot_decision_boundary_of_labels_that_y_lacks():
    def model(points):
        return np.where(points[:, 0] > 0, "right", "left")

    ax = plot_decision_boundary(model, X, ["left", "left", "up", "up"], resolution=20)
    colours = [tuple(colour_at(ax, (side, 0))) for side in (-0.9, 0.9)]
    assert colours[0] != colours[1]
    ax = plot_decision_boundary(lambda points: np.zeros(len(points), int), X, [0, 0, 0, 0])
    assert np.ptp(ax.get_images()[0].get_array(), axis=(0, 1)).max() == 0


def test_plot_decision_boundary_takes_a_threshold_for_logits():
    ax = plot_decision_boundary(lambda points: points[:, 0] - 0.2, X, [0, 0, 1, 1], threshold=0)
    assert colour_at(ax, (0.1, 0))[2] > colour_at(ax, (0.1, 0))[0]
    assert colour_at(ax, (0.4, 0))[2] < colour_at(ax, (0.4, 0))[0]


def test_plot_decision_boundary_of_a_model():
    x, y = make_moons(30, random_state=0)
    model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    _, ax = plt.subplots()
    assert plot_decision_boundary(model, x, y, ax, resolution=20) is ax


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 3)), [0, 1, 0], r"x must have shape \(n, 2\) with n > 0, got \(3, 3\)"),
        (np.zeros((0, 2)), [], r"x must have shape \(n, 2\) with n > 0, got \(0, 2\)"),
        (np.zeros((3, 2)), [0, 1], r"y must have shape \(3,\), got \(2,\)"),
    ],
)
def test_plot_decision_boundary_names_wrong_shapes(x, y, message):
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(half_plane, x, y)


# ---------------------------------------------------------------------------------------- descent


@pytest.mark.parametrize("shape", [(), (1,)])
def test_plot_descent_on_a_line(shape):
    def square(x):
        assert np.shape(x) == shape
        return float(np.sum(x**2))

    path = np.array([2.0, 1.0, 0.5]).reshape(3, *shape)
    ax = plot_descent(SimpleNamespace(path=path, losses=[4, 1, 0.25]), square, label="steps")
    curve, steps = ax.get_lines()[:2]
    np.testing.assert_allclose(curve.get_ydata(), curve.get_xdata() ** 2)
    np.testing.assert_array_equal(steps.get_xydata(), [[2, 4], [1, 1], [0.5, 0.25]])
    assert ax.get_legend().get_texts()[0].get_text() == "steps"
    rendered(ax)


def test_plot_descent_on_a_plane_and_a_second_path():
    result = pf.minimize(
        lambda x: float(x[0] ** 2 + 3 * x[1] ** 2),
        [2.0, 1.0],
        optimizer=pf.optimizers.SGD(0.1),
        max_iter=50,
    )
    ax = plot_descent(result, lambda x: float(x[0] ** 2 + 3 * x[1] ** 2))
    np.testing.assert_array_equal(ax.get_lines()[0].get_xydata(), result.path)
    assert len(ax.collections) == 2, "filled contours and lines"
    limits = ax.get_xlim()
    assert plot_descent(result, ax=ax) is ax
    assert ax.get_xlim() == limits
    assert ax.get_lines()[0].get_color() != ax.get_lines()[3].get_color()
    rendered(ax)


def test_plot_descent_leaves_out_what_overflowed():
    result = SimpleNamespace(path=np.array([[1.0], [-3.0], [np.inf]]), losses=[1.0, 9.0, np.nan])
    ax = plot_descent(result, lambda x: float(x[0] ** 2), bounds=[(-4, 4)])
    np.testing.assert_array_equal(ax.get_lines()[1].get_xydata(), [[1, 1], [-3, 9]])
    assert ax.get_xlim() == (-4, 4)


def test_plot_descent_that_never_moved():
    ax = plot_descent(SimpleNamespace(path=np.zeros((1, 2)), losses=[0]), lambda x: 1.0)
    rendered(ax)


def test_plot_descent_names_wrong_arguments():
    result = SimpleNamespace(path=np.zeros((2, 3)), losses=[0, 0])
    with pytest.raises(ValueError, match=r"one or two variables, got x of shape \(3,\)"):
        plot_descent(result)
    result = SimpleNamespace(path=np.zeros((2, 2)), losses=[0, 0])
    with pytest.raises(ValueError, match=r"bounds must have 2 pairs \(low, high\), got"):
        plot_descent(result, bounds=[(0, 1)])


# ---------------------------------------------------------------------------------------- network


def test_plot_network_draws_units_and_weights():
    model = pf.Sequential(
        [pf.Input((2,)), pf.layers.Dense(5, "relu"), pf.layers.Dropout(0.5), pf.layers.Dense(1)],
        seed=0,
    )
    ax = plot_network(model)
    edges = [c for c in ax.collections if hasattr(c, "get_segments")]
    units = [c for c in ax.collections if not hasattr(c, "get_segments")]
    assert [len(c.get_segments()) for c in edges] == [10, 5]
    assert [len(c.get_offsets()) for c in units] == [2, 5, 1]
    strongest = np.abs(model.get_weights()[0]).max()
    positive = (model.get_weights()[0] == strongest).any()
    red, _, blue, _ = edges[0].get_colors()[-1]  # the strongest is drawn last, over the others
    assert (red > blue) == positive
    rendered(ax)


def test_plot_network_shortens_wide_layers():
    model = pf.Sequential([pf.Input((64,)), pf.layers.Dense(3)], seed=0)
    ax = plot_network(model, max_units=6)
    units = [c for c in ax.collections if not hasattr(c, "get_segments")]
    assert [len(c.get_offsets()) for c in units] == [5, 3]
    assert "⋮" in [t.get_text() for t in ax.texts]
    with pytest.raises(ValueError, match="max_units must be at least 3, got 2"):
        plot_network(model, max_units=2)


def test_plot_network_needs_weights():
    with pytest.raises(ValueError, match="model must be built and have a dense layer"):
        plot_network(pf.Sequential([pf.layers.Dense(3)]))


# ------------------------------------------------------------------------------ optional dependency


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (plot_history, ({"loss": [1.0]},)),
        (plot_decision_boundary, (half_plane, X, [0, 0, 1, 1])),
        (plot_descent, (SimpleNamespace(path=np.zeros((1, 1)), losses=[0]),)),
        (
            plot_network,
            (SimpleNamespace(layers=[SimpleNamespace(get_weights=lambda: [np.eye(2)])]),),
        ),
    ],
)
def test_without_matplotlib_the_extra_is_named(monkeypatch, function, arguments):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    expected = rf'{function.__name__} needs matplotlib: pip install "picaflor\[plot\]"'
    with pytest.raises(ImportError, match=expected):
        function(*arguments)


def test_rc_params_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    plot_history({"loss": [1.0]})
    assert dict(matplotlib.rcParams) == before
