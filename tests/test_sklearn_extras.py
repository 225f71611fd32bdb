"""What the estimators have beyond scikit-learn's: each does what it says."""

import pickle
import time

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn import neural_network
from sklearn.datasets import load_iris, make_regression
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import picaflor as pf
from picaflor.sklearn import MLPClassifier, MLPRegressor, from_sklearn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = scale(X)
XR, YR = make_regression(120, 5, random_state=0)
YR /= 100


def fit(**parameters):
    options = {"max_iter": 10, "random_state": 0, "hidden_layer_sizes": (8,), **parameters}
    return MLPClassifier(**options).fit(X, Y)


def equal(a, b):
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return all(np.array_equal(u, v) for u, v in pairs)


def test_class_weight_is_a_sample_weight():
    expected = MLPClassifier((8,), max_iter=10, random_state=0).fit(
        X, Y, sample_weight=np.array([1.0, 2.0, 5.0])[Y]
    )
    assert equal(fit(class_weight={0: 1.0, 1: 2.0, 2: 5.0}), expected)
    some = np.r_[0:50, 50:60, 100:105]
    balanced = MLPClassifier((8,), max_iter=10, random_state=0, class_weight="balanced")
    by_hand = MLPClassifier((8,), max_iter=10, random_state=0)
    counts = np.array([50, 10, 5])
    weight = (65 / (3 * counts))[Y[some]]  # n / (classes * count)
    assert equal(balanced.fit(X[some], Y[some]), by_hand.fit(X[some], Y[some], weight))
    with pytest.raises(ValueError, match="class_weight='balanced' needs all classes"):
        balanced.partial_fit(X, Y, classes=[0, 1, 2])


def test_dropout_acts_in_training_only_and_repeats():
    plain, dropped = fit(), fit(dropout=0.5)
    assert not equal(plain, dropped)
    assert equal(dropped, fit(dropout=[0.5]))
    assert [type(layer).__name__ for layer in dropped.model_.layers] == [
        "Dense",
        "Dropout",
        "Dense",
    ]
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    np.testing.assert_allclose(dropped.predict_proba(X), dropped.model_.predict(X), rtol=1e-12)


@pytest.mark.parametrize("norm", ["batch_norm", "layer_norm"])
def test_normalization_is_trained_kept_and_copied(norm):
    model = fit(**{norm: True}, max_iter=60, learning_rate_init=0.01, batch_size=30)
    assert model.score(X, Y) > 0.9
    layer = model.model_.layers[1]
    assert type(layer).__name__.lower() == norm.replace("_norm", "normalization")
    assert not np.array_equal(layer.get_weights()[0], np.ones(8))  # gamma has moved
    np.testing.assert_array_equal(model.predict_proba(X), model.model_.predict(X))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
    with pytest.raises(ValueError, match=f"has nothing like {norm}"):
        model.to_sklearn()
    model.set_params(early_stopping=True, n_iter_no_change=1, max_iter=50).fit(X, Y)
    assert model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.parametrize("names", ["gelu", ["silu", "tanh"], [pf.activations.get("elu"), "relu"]])
def test_activations_beyond_the_four(names):
    model = fit(hidden_layer_sizes=(8, 4), activation=names)
    expected = [names, names] if isinstance(names, str) else names
    for layer, name in zip(model.model_.layers, expected, strict=False):
        assert layer.activation == pf.activations.get(name)
    np.testing.assert_allclose(model.predict_proba(X), model.model_.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match="has nothing like activation"):
        model.to_sklearn()


def test_activations_are_checked():
    with pytest.raises(ValueError, match="The 'activation' parameter of MLPClassifier must be"):
        fit(activation="tanhh")
    with pytest.raises(ValueError, match="activation must have one entry per hidden layer, 1, got"):
        fit(activation=["tanh", "tanh"])


def test_validation_data_are_looked_at_after_each_epoch():
    train, held_out = slice(0, 150, 2), slice(1, 150, 2)
    model = MLPClassifier((8,), max_iter=5, random_state=0)
    model.fit(X[train], Y[train], validation_data=(X[held_out], Y[held_out]))
    assert equal(model, MLPClassifier((8,), max_iter=5, random_state=0).fit(X[train], Y[train]))
    assert len(model.validation_curve_) == 5
    expected = log_loss(Y[held_out], model.predict_proba(X[held_out]))
    assert model.validation_curve_[-1] == pytest.approx(expected, rel=1e-12)
    weight = np.linspace(0, 1, 75)
    model.fit(X[train], Y[train], validation_data=(X[held_out], Y[held_out], weight))
    expected = log_loss(Y[held_out], model.predict_proba(X[held_out]), sample_weight=weight)
    assert model.validation_curve_[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_validation_curve_is_the_loss_of_training(loss):
    y = np.exp(YR) if loss == "poisson" else np.column_stack([YR, YR**2])
    model = MLPRegressor(loss, (8,), alpha=0.0, max_iter=3, learning_rate_init=1e-12)
    model.fit(XR, y, validation_data=(XR, y))  # nothing is learned: both are the same
    np.testing.assert_allclose(model.validation_curve_, model.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize(
    ("names", "y", "expected"),
    [
        ("abc", ["a", "d"] * 5, "['d'] that are not in classes_"),
        ("abc", [0, 1] * 5, "[0, 1] that are not in classes_"),
        ("abc", np.array(["a", None] * 5, dtype=object), "[None] that are not in classes_"),
        ("012", [0, 1] * 5, "[0, 1] that are not in classes_"),  # strings and numbers differ
        ((0, 1), [0, 2] * 5, "[2] that are not in classes_"),
        ((0, 1, 2), [0.0, 1.5] * 5, "[1.5] that are not in classes_"),
        ((0, 1, 2), np.eye(2)[[0, 1] * 5], "shape (n,), got (10, 2)"),
    ],
)
def test_labels_of_validation_data_must_be_known(names, y, expected):
    labels = np.array(list(names))[np.arange(len(X)) % len(names)]
    model = MLPClassifier((3,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="y of validation_data") as caught:
        model.fit(X, labels, validation_data=(X[:10], y))
    assert expected in str(caught.value)


def test_several_labels_of_validation_data_must_be_an_indicator_matrix():
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    model = MLPClassifier((3,), max_iter=2, random_state=0)
    for y in (several[:, :1], several[:, 0], 3 * several + np.arange(len(X))[:, None]):
        with pytest.raises(ValueError, match=r"y of validation_data must be an indicator matrix"):
            model.fit(X, several, validation_data=(X, y))
    model.fit(X, several, validation_data=(X, several.tolist()))
    assert len(model.validation_curve_) == 2


def test_labels_of_validation_data_may_have_another_type():
    labels = np.array(["a", "bb", "c"])[np.arange(len(X)) % 3]
    curves = []
    for y in (labels, labels.tolist(), labels.astype(object), labels[:, None]):
        model = MLPClassifier((3,), max_iter=2, random_state=0)
        model.fit(X, labels, validation_data=(X, y))
        curves.append(model.validation_curve_)
    assert all(curve == curves[0] for curve in curves)


def test_early_stopping_on_validation_data_restores_the_best_weights():
    # targets of the validation set are the opposite: it gets worse from the first epochs on
    model = MLPRegressor(
        hidden_layer_sizes=(8,), early_stopping=True, n_iter_no_change=3, random_state=0
    )
    model.fit(XR, YR, validation_data=(XR, -YR))
    assert model.n_iter_ < 20
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(XR, -YR) == pytest.approx(model.best_validation_score_, rel=1e-12)
    assert model.validation_scores_[-1] < model.best_validation_score_


def test_validation_scoring_follows_any_scorer():
    model = fit(early_stopping=True, validation_scoring="neg_log_loss", max_iter=20)
    losses = np.array(model.validation_curve_)
    np.testing.assert_allclose(model.validation_scores_, -losses, rtol=1e-9)
    calls = []

    def scorer(estimator, x, y):
        calls.append((len(x), set(y)))
        return -float(len(calls))  # worse and worse

    model = fit(early_stopping=True, validation_scoring=scorer, n_iter_no_change=2, max_iter=50)
    assert model.n_iter_ == 4  # the first is the best, then three stale ones
    assert calls[0] == (15, {0, 1, 2})
    assert equal(model, fit(max_iter=1, early_stopping=True))


@pytest.mark.parametrize("name", ["SGD", "AdamW", "RMSprop", "Lion"])
def test_solver_may_be_an_optimizer(name):
    optimizer = getattr(pf.optimizers, name)(0.003)
    a, b = fit(solver=optimizer), fit(solver=optimizer)
    assert equal(a, b)  # each fit starts from a copy
    assert optimizer.iterations == 0
    assert type(a.model_.optimizer) is type(optimizer)
    assert a.model_.optimizer.iterations == 10
    with pytest.raises(ValueError, match="learning_rate must be 'constant' where solver is an opt"):
        fit(solver=optimizer, learning_rate="adaptive")


def test_an_optimizer_with_the_parameters_of_a_solver_gives_its_results():
    optimizer = pf.optimizers.Adam(0.001, epsilon=1e-8)
    assert equal(fit(solver=optimizer), fit())
    assert equal(fit(solver=optimizer).partial_fit(X, Y), fit().partial_fit(X, Y))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_learning_rate_may_be_a_schedule(solver):
    constant = pf.optimizers.schedules.PiecewiseConstantDecay([10**6], [0.01, 0.1])
    falling = pf.optimizers.schedules.ExponentialDecay(0.01, 5, 0.1)
    expected = fit(solver=solver, learning_rate_init=0.01)
    assert equal(fit(solver=solver, learning_rate=constant), expected)
    assert not equal(fit(solver=solver, learning_rate=falling), expected)


class Record(pf.callbacks.Callback):
    def __init__(self, last=1000):
        super().__init__()
        self.seen, self.last = [], last

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, sorted(logs)))
        if epoch == self.last:
            self.model.stop_training = True


def test_callbacks_are_called_and_can_stop():
    record = Record(last=2)
    model = fit(callbacks=[record], early_stopping=True)
    assert record.seen == [(i, ["loss", "val_loss", "val_score"]) for i in range(3)]
    assert model.n_iter_ == 3
    record = Record()
    fit(callbacks=record, max_iter=2)
    assert record.seen == [(0, ["loss"]), (1, ["loss"])]


def test_callbacks_that_want_batches_are_refused():
    class Batches(pf.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise AssertionError

    with pytest.raises(ValueError, match="Batches has on_train_batch_end"):
        fit(callbacks=[Batches()])


def test_max_time_ends_training():
    start = time.monotonic()
    model = fit(max_time=0.05, max_iter=10**6, n_iter_no_change=np.inf)
    assert 1 < model.n_iter_ < 10**6
    assert time.monotonic() - start < 20


def test_n_threads_changes_nothing_but_the_threads():
    before = pf.get_num_threads()
    seen = []

    class Look(pf.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(pf.get_num_threads())

    assert equal(fit(n_threads=1, callbacks=[Look()], max_iter=1), fit(n_threads=2, max_iter=1))
    assert seen == [1]
    assert pf.get_num_threads() == before


def test_dtype_sets_the_type_of_the_weights():
    assert fit(dtype="float32").coefs_[0].dtype == np.float32
    assert fit(dtype="float32").model_.dtype == "float32"
    model = MLPClassifier((8,), dtype="float64", random_state=0, max_iter=2)
    assert model.fit(X.astype(np.float32), Y).coefs_[0].dtype == np.float64


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [
        ({"n_layers": 3, "width": 7}, [7, 7, 7]),
        ({"n_layers": 2}, [100, 100]),
        ({"width": 5}, [5]),
        ({"n_layers": 0}, []),
    ],
)
def test_n_layers_and_width_stand_for_hidden_layer_sizes(parameters, sizes):
    model = fit(**parameters, max_iter=1)
    assert [coef.shape[1] for coef in model.coefs_] == [*sizes, 3]


@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.1},
        {"batch_norm": True},
        {"layer_norm": True},
        {"max_time": 1.0},
        {"callbacks": [pf.callbacks.Callback()]},
    ],
)
def test_lbfgs_refuses_what_it_cannot_do(parameters):
    with pytest.raises(ValueError, match=f"{next(iter(parameters))}.* stochastic solver"):
        fit(solver="lbfgs", **parameters)


def test_extras_are_checked():
    for name, value in {
        "dropout": 1.0,
        "n_layers": -1,
        "width": 0,
        "max_time": 0.0,
        "n_threads": 0,
        "dtype": "float16",
        "callbacks": [1],
        "validation_scoring": 1,
        "batch_norm": "yes",
        "class_weight": "equal",
    }.items():
        with pytest.raises(ValueError, match=f"The '{name}' parameter of MLPClassifier must be"):
            fit(**{name: value})


def test_conversion_from_and_to_scikit_learn():
    theirs = neural_network.MLPClassifier((8,), max_iter=10, random_state=0).fit(X, Y)
    ours = from_sklearn(theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    assert ours.loss_curve_ == theirs.loss_curve_
    back = ours.to_sklearn()
    assert type(back) is neural_network.MLPClassifier
    np.testing.assert_array_equal(back.predict_proba(X), theirs.predict_proba(X))
    ours.coefs_[0][...] = 0
    assert theirs.coefs_[0].any()
    ours.partial_fit(X, Y)
    back.partial_fit(X, Y)
    regressor = neural_network.MLPRegressor(max_iter=2).fit(XR, YR)
    ours = MLPRegressor.from_sklearn(regressor)
    np.testing.assert_allclose(ours.predict(XR), regressor.predict(XR), rtol=1e-10)
    np.testing.assert_array_equal(ours.to_sklearn().predict(XR), regressor.predict(XR))
    with pytest.raises(TypeError, match=r"a MLPClassifier of sklearn\.neural_network is wanted"):
        MLPClassifier.from_sklearn(regressor)


def test_partial_fit_goes_on_where_the_network_has_changed():
    model = fit(max_iter=2)
    before = model.coefs_[0].copy()
    # other layers keep another state, another solver in between leaves none: both train on
    model.set_params(batch_norm=True).partial_fit(X, Y)
    model.set_params(batch_norm=False, solver="lbfgs", warm_start=True, max_iter=1).fit(X, Y)
    model.set_params(solver="adam").partial_fit(X, Y)
    assert not np.array_equal(model.coefs_[0], before)


def test_a_missing_scikit_learn_is_named(monkeypatch):
    import importlib
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "picaflor.sklearn")
    with pytest.raises(ImportError, match=r'needs scikit-learn: pip install "picaflor\[sklearn\]"'):
        importlib.import_module("picaflor.sklearn")
