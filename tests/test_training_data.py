"""What training takes, without copies, and what it refuses, leaving the model as it was."""

import pathlib
import tracemalloc
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import _core, layers
from picaflor.models.data import rows_together
from strategies import LAYOUTS

Array = np.ndarray


def classifier(**options: Any) -> pf.Sequential:
    model = pf.Sequential(
        [pf.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")], seed=0, **options
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def regressor(outputs: int = 1) -> pf.Sequential:
    model = pf.Sequential([pf.Input((4,)), layers.Dense(outputs)], seed=0)
    model.compile("sgd", "mse")
    return model


def fitted(x: Any, y: Any, **options: Any) -> list[Array]:
    model = classifier()
    model.fit(x, y, verbose=0, epochs=2, batch_size=8, **options)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    return model.get_weights()


@pytest.fixture
def whole(rng: np.random.Generator) -> tuple[Array, Array]:
    """Whole numbers, which every dtype holds exactly."""
    return rng.integers(0, 2, size=(30, 4)), rng.integers(0, 3, 30)


@pytest.mark.parametrize(
    "kind",
    [
        "bool",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float16",
        "float32",
        "float64",
        ">f4",
    ],
)
def test_dtypes_of_x_make_no_difference(whole: tuple[Array, Array], kind: str) -> None:
    x, y = whole
    expected = fitted(x.astype(np.float32), y)
    for a, b in zip(fitted(x.astype(kind), y), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_layouts_of_x_make_no_difference(
    whole: tuple[Array, Array], kind: str, layout: Any
) -> None:
    x, y = whole
    expected = fitted(x.astype(np.float32), y)
    for a, b in zip(fitted(layout(x.astype(kind)), y), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int32", "uint64", "float32", "float64"])
def test_dtypes_and_shapes_of_class_ids_make_no_difference(
    whole: tuple[Array, Array], kind: str
) -> None:
    x, y = whole
    y = y % 2
    expected = fitted(x, y)
    kinds = (y.astype(kind), y.astype(kind)[:, None], y.astype(kind).tolist())
    for ids in (*kinds, LAYOUTS["misaligned"](y.astype(kind)), LAYOUTS["strided"](y.astype(kind))):
        for a, b in zip(fitted(x, ids), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_data_frames(whole: tuple[Array, Array]) -> None:
    pd = pytest.importorskip("pandas")
    x, y = whole
    expected = fitted(x, y)
    frame = pd.DataFrame(x, columns=list("abcd"))
    mixed = frame.astype({"a": "int8", "b": "float32", "c": "bool"})
    for data in (frame, mixed):
        for a, b in zip(fitted(data, pd.Series(y)), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert classifier().predict(mixed).shape == (30, 3)
    with pytest.raises(TypeError, match="x must hold numbers, got strings such as 'red'"):
        fitted(frame.assign(a="red"), y)
    gaps = pd.DataFrame({name: pd.array([1, None, 3], dtype="Int64") for name in "abcd"})
    with pytest.raises(TypeError, match="objects such as NAType; fill what is missing"):
        classifier().predict(gaps)


def test_masked_entries_are_refused(whole: tuple[Array, Array]) -> None:
    x, y = whole
    model = classifier()
    mask = np.zeros(x.shape, bool)
    unmasked = np.ma.masked_array(x, mask)
    np.testing.assert_array_equal(model(unmasked), model(x))
    for a, b in zip(fitted(unmasked, np.ma.masked_array(y)), fitted(x, y), strict=True):
        np.testing.assert_array_equal(a, b)
    mask[3, 1] = mask[5, 2] = True
    masked = np.ma.masked_array(x, mask)
    calls = (model, model.predict, model.predict_on_batch, model.layers[0])
    for call in (*calls, lambda x: model.fit(x, y), lambda x: model.train_on_batch(x, y)):
        with pytest.raises(ValueError, match="x must have no masked entries, got 2 of 120"):
            call(masked)
    with pytest.raises(ValueError, match="y must have no masked entries, got 1 of 30"):
        model.fit(x, np.ma.masked_equal(np.arange(30) % 3 + 3 * (np.arange(30) == 7), 4))


def test_memory_maps(whole: tuple[Array, Array], tmp_path: pathlib.Path) -> None:
    x, y = whole
    np.save(tmp_path / "x.npy", x.astype(np.uint8))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for a, b in zip(fitted(mapped, y), fitted(x, y), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["float32", "uint8", "float64"])
def test_no_whole_array_copy_is_made(kind: str) -> None:
    x = np.zeros((20_000, 28, 28), kind)
    y = np.zeros(20_000, np.int64)
    model = pf.Sequential([pf.Input((28, 28)), layers.Flatten(), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=1000, verbose=0, validation_split=0.1)
        model.evaluate(x, y)
        model.predict(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # the order of the rows and the predictions, far less than the 15 MB of the smallest x
    assert peak < 2_000_000


def test_scattered_rows_are_brought_together_once(tmp_path: pathlib.Path) -> None:
    rows = np.arange(60.0).reshape(12, 5)
    columns = np.asfortranarray(rows)
    together = rows_together(columns)
    assert together.flags.c_contiguous
    np.testing.assert_array_equal(together, rows)
    np.testing.assert_array_equal(rows_together(columns[::-1, 1:]), rows[::-1, 1:])
    np.save(tmp_path / "x.npy", columns)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one_column, row_parts, one_row = columns[:, :1], rows[:, ::2], np.broadcast_to(rows[0], (9, 5))
    on_disk = mapped, np.asarray(mapped)[2:]
    for kept in (rows, rows[::-2], rows[0], row_parts, one_column, one_row, *on_disk):
        assert rows_together(kept) is kept


@pytest.mark.parametrize("shuffle", [True, False])
def test_data_in_fortran_order_are_copied_for_shuffling_only(shuffle: bool) -> None:
    x = np.zeros((40_000, 20), np.float32, order="F")
    y = np.zeros(40_000, np.int64)
    model = pf.Sequential([pf.Input((20,)), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=10_000, epochs=3, verbose=0, shuffle=shuffle)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert x.nbytes * shuffle <= peak < x.nbytes * (0.3 + 1.2 * shuffle)


@pytest.mark.parametrize("make", [lambda a: a.astype(">f4"), LAYOUTS["misaligned"]])
@pytest.mark.parametrize("method", ["fit", "train_epoch", "evaluate"])
def test_what_the_engine_cannot_read_in_place_is_converted_once(make: Any, method: str) -> None:
    x = make(np.zeros((40_000, 20), np.float32))
    y = np.zeros(40_000, np.int64)
    model = pf.Sequential([pf.Input((20,)), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(np.zeros((9, 20), np.float32), y[:9])  # the quick way is open now
    options = {"verbose": 0} if method == "fit" else {}
    tracemalloc.start()
    try:
        getattr(model, method)(x, y, batch_size=10_000, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * x.nbytes  # as float64 it would be twice, and at every call


def test_images_are_flattened_in_c_order(rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 2, 2)).astype(np.float32)
    y = rng.integers(0, 3, 20)
    flat = classifier()
    images = pf.Sequential(
        [
            pf.Input((2, 2)),
            layers.Flatten(),
            layers.Dense(8, "relu"),
            layers.Dense(3, "softmax"),
        ],
        seed=0,
    )
    images.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    a = flat.fit(x.reshape(20, 4), y, verbose=0)
    b = images.fit(x, y, verbose=0)
    assert a.history == b.history


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_targets_of_one_column_may_be_flat(rng: np.random.Generator, shape: Any) -> None:
    x, y = rng.normal(size=(12, 4)), rng.normal(size=shape)
    model = regressor()
    error = model.predict(x).reshape(shape) - y
    assert model.evaluate(x, y) == pytest.approx((error**2).mean(), rel=1e-5)


def test_metrics_are_chosen_by_shape(rng: np.random.Generator) -> None:
    x = rng.normal(size=(12, 4))
    ids = rng.integers(0, 3, 12)
    sparse = classifier()
    sparse.fit(x, ids, verbose=0)
    assert type(sparse.metrics[0]) is pf.metrics.SparseCategoricalAccuracy
    rows = classifier()
    rows.compile("sgd", "categorical_crossentropy", metrics=["acc"])
    rows.fit(x, pf.utils.to_categorical(ids, 3), verbose=0)
    assert type(rows.metrics[0]) is pf.metrics.CategoricalAccuracy
    assert rows.metrics_names == ["loss", "acc"]
    binary = regressor()
    binary.compile("sgd", "mse", metrics=["accuracy"])
    binary.fit(x, ids > 0, verbose=0)
    assert type(binary.metrics[0]) is pf.metrics.BinaryAccuracy


@pytest.mark.parametrize("name", ["crossentropy", "CE"])
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "loss_and_gradients"])
@pytest.mark.parametrize(
    ("units", "activation", "kind", "as_targets"),
    [
        (1, "sigmoid", "binary", lambda ids: ids // 2),
        (3, "softmax", "sparse", lambda ids: ids),
        (3, "softmax", "sparse", lambda ids: ids[:, None].tolist()),
        (3, "softmax", "categorical", lambda ids: np.eye(3)[ids]),
    ],
)
def test_crossentropy_is_chosen_by_shape(
    rng: np.random.Generator,
    name: str,
    method: str,
    units: int,
    activation: str,
    kind: str,
    as_targets: Any,
) -> None:
    x, y = rng.normal(size=(9, 4)), as_targets(rng.integers(0, 3, 9))
    model = pf.Sequential([layers.Dense(units, activation)], seed=0)
    model.compile("sgd", name, metrics=["accuracy"])
    assert model.loss == name
    with pytest.raises(ValueError, match="same number of samples"):
        getattr(model, method)(x[:5], y)
    assert model.loss == name  # what was refused has chosen nothing
    getattr(model, method)(x, y)
    expected = f"{kind}_crossentropy" if kind == "binary" else f"{kind}_categorical_crossentropy"
    assert model.loss.name == expected.replace("categorical_categorical", "categorical")


def test_repeated_metrics_get_their_own_keys(rng: np.random.Generator) -> None:
    model = classifier()
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["accuracy", "accuracy"],
        weighted_metrics=["accuracy", "acc"],
    )
    x, y = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
    history = model.fit(x, y, verbose=0).history
    assert list(history) == ["acc", "accuracy", "accuracy_1", "loss", "weighted_accuracy"]
    assert model.metrics_names == ["loss", "accuracy", "accuracy_1", "weighted_accuracy", "acc"]


# --------------------------------------------------------------------------------------- refusals

X, IDS = np.ones((6, 4)), np.array([0, 1, 2, 0, 1, 2])

WRONG_DATA: list[tuple[str, Any, dict[str, Any], type[Exception], str]] = [
    (
        "x one column short",
        np.ones((6, 3)),
        {},
        ValueError,
        r"x must have shape \(n, 4\), got \(6, 3\)",
    ),
    (
        "x of images",
        np.ones((6, 2, 2)),
        {},
        ValueError,
        r"x must have shape \(n, 4\), got \(6, 2, 2\)",
    ),
    ("x a number", 3.0, {}, ValueError, "x must have a dimension for the samples"),
    ("x None", None, {}, TypeError, "x must be an array, got None"),
    ("x of strings", np.full((6, 4), "a"), {}, TypeError, "x must hold numbers, got strings"),
    ("x complex", np.ones((6, 4), complex), {}, TypeError, "complex"),
    ("x ragged", [[1, 2], [3]], {}, ValueError, "unequal lengths"),
    ("x a generator", iter([X]), {}, TypeError, "call train_on_batch"),
    ("x a dict", {"a": X}, {}, TypeError, "must be one array, got a dict"),
    ("x empty", np.ones((0, 4)), {"y": np.ones(0, int)}, ValueError, "at least one sample"),
    ("y missing", X, {"y": None}, ValueError, "y is missing"),
    ("y too short", X, {"y": IDS[:5]}, ValueError, "same number of samples, got 6 and 5"),
    ("y of strings", X, {"y": list("abcabc")}, TypeError, r"y must hold numbers.*numpy.unique"),
    ("y too large", X, {"y": IDS + 1}, ValueError, r"class ids in \[0, 3\), got 3"),
    ("y negative", X, {"y": IDS - 1}, ValueError, r"class ids in \[0, 3\), got -1"),
    ("y not whole", X, {"y": IDS + 0.5}, ValueError, "whole numbers, got 0.5"),
    ("y with NaN", X, {"y": IDS * np.nan}, ValueError, "whole numbers, got nan"),
    ("y one-hot", X, {"y": np.eye(3)[IDS]}, ValueError, "use categorical_crossentropy"),
    (
        "weights too short",
        X,
        {"sample_weight": np.ones(5)},
        ValueError,
        r"shape \(6,\), got \(5,\)",
    ),
    (
        "weights twice",
        X,
        {"sample_weight": np.ones(6), "class_weight": {0: 1}},
        ValueError,
        "not both",
    ),
    ("class_weight a list", X, {"class_weight": [1, 2]}, TypeError, "class_weight must be a dict"),
    ("class_weight by name", X, {"class_weight": {"a": 2}}, TypeError, "class ids as keys"),
    ("batch_size 0", X, {"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
    ("batch_size a float", X, {"batch_size": 1.5}, TypeError, "batch_size must be an integer"),
    ("epochs negative", X, {"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
    ("split of all", X, {"validation_split": 1.0}, ValueError, "validation_split"),
    ("split of nothing", X, {"validation_split": 0.99}, ValueError, "no row to train"),
    ("validation of one", X, {"validation_data": X}, ValueError, "must be a tuple"),
    ("validation of 4", X, {"validation_data": (X,) * 4}, ValueError, "got tuple of 4"),
    (
        "validation x",
        X,
        {"validation_data": (X[:, :3], IDS)},
        ValueError,
        "x of validation_data must",
    ),
    ("validation y", X, {"validation_data": (X, IDS + 1)}, ValueError, "y of validation_data must"),
    ("shuffle batch", X, {"shuffle": "batch"}, TypeError, "shuffle must be True or False"),
    ("verbose 3", X, {"verbose": 3}, ValueError, "verbose must be"),
    ("steps 0", X, {"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be at least 1"),
    ("freq 0", X, {"validation_freq": 0}, ValueError, "validation_freq must be at least 1"),
]


# A model without an Input takes the shape of x, so that fewer shapes are wrong.
UNBUILT = [case for case in WRONG_DATA if not case[4].startswith(("x must have shape", "unequal"))]


@pytest.mark.parametrize(
    ("built", "x", "options", "error", "message"),
    [(True, *case[1:]) for case in WRONG_DATA] + [(False, *case[1:]) for case in UNBUILT],
    ids=[case[0] for case in WRONG_DATA] + [f"{case[0]}, not built" for case in UNBUILT],
)
def test_wrong_data_leaves_the_model_as_it_was(
    built: bool, x: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = classifier()
    if not built:
        model = pf.Sequential([layers.Dense(8, "relu"), layers.Dense(3, "softmax")], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(x, **{"y": IDS, "verbose": 0, **options})
    assert model.built is built
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.history is None
    model.fit(X, IDS, verbose=0)  # and it can be used
    fresh = classifier()
    fresh.fit(X, IDS, verbose=0)
    assert np.array_equal(model.get_weights()[0], fresh.get_weights()[0])


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("mse", np.ones((6, 2)), r"y must have shape \(n, 3\) for the loss 'mean_squared_error'"),
        ("mse", np.ones(6), r"y must have shape \(n, 3\)"),
        ("categorical_crossentropy", IDS, "use sparse_categorical_crossentropy"),
    ],
)
def test_targets_that_do_not_fit_the_loss(loss: str, y: Array, message: str) -> None:
    model = regressor(3)
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, verbose=0)


def test_metric_that_does_not_fit_the_targets_says_so_before_training() -> None:
    model = classifier()
    before = model.get_weights()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["mse"])
    with pytest.raises(ValueError, match="metric 'mse' does not fit the targets"):
        model.fit(X, IDS, verbose=0)
    assert np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_uncompiled_models_say_so(method: str) -> None:
    model = pf.Sequential([pf.Input((4,)), layers.Dense(1)])
    with pytest.raises(RuntimeError, match="not compiled"):
        getattr(model, method)(X, np.ones(6))
    model.compile("sgd")
    with pytest.raises(RuntimeError, match="has no loss"):
        getattr(model, method)(X, np.ones(6))
    assert model.loss is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "sdg"}, ValueError, "Unknown optimizer: 'sdg'"),
        ({"loss": "msee"}, ValueError, "Did you mean 'mse'"),
        ({"loss": lambda a, b: 0}, TypeError, "a loss must be.*write the step of training"),
        ({"loss": type("Mine", (pf.losses.Loss,), {})()}, TypeError, "a loss must be"),
        ({"metrics": ["acuracy"]}, ValueError, "Unknown metric"),
        ({"metrics": {"out": "mse"}}, TypeError, "metrics must be a list"),
        ({"loss_weights": [1]}, TypeError, "loss_weights"),
    ],
)
def test_compile_refuses_what_it_does_not_know(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = regressor()
    before = model.optimizer
    with pytest.raises(error, match=message):
        model.compile(**{"loss": "mse", **options})
    assert model.optimizer is before


def test_single_batches_refuse_the_same() -> None:
    model = classifier()
    model.fit(X, IDS, verbose=0)
    for y, message in [
        (IDS + 1, r"\[0, 3\)"),
        (IDS[:4], "same number"),
        (np.eye(3)[IDS], "use cat"),
    ]:
        for method in (model.train_on_batch, model.test_on_batch, model.loss_and_gradients):
            with pytest.raises(ValueError, match=message):
                method(X, y)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 4\), got \(6, 3\)"):
        model.train_on_batch(X[:, :3], IDS)


def test_empty_model_says_so() -> None:
    model = pf.Sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no layers"):
        model.fit(X, IDS, verbose=0)
    with pytest.raises(ValueError, match="not built"):
        model.predict(X)


@pytest.mark.parametrize("n", [2**44, 2**57])
def test_a_minibatch_larger_than_memory_leaves_a_usable_model(n):
    model = pf.Sequential([pf.Input((4,)), layers.Dense(3)], seed=0)
    model.compile("sgd", "mse")
    x, y = (np.broadcast_to(np.float32(1), (n, width)) for width in (4, 3))
    for call in (model.train_on_batch, model.loss_and_gradients, model.test_on_batch):
        with pytest.raises(MemoryError):
            call(x, y)
        assert model._network.output.shape == (0, 3)  # not that of a minibatch before
    assert np.isfinite(model.train_on_batch(x[:5], y[:5]))


@pytest.mark.parametrize("shape", [(2**62, 2**62), (2**30, 2**30), (4, 2**62)])
def test_a_network_larger_than_memory_is_refused(shape):
    inputs, units = shape
    dense = layers.Dense(units)._operation((inputs,))
    with pytest.raises(ValueError, match="must have at most"):
        _core.Network(inputs, [dense], "float32", 0)
