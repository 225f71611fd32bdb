"""Same results as scikit-learn's own MLP, for the same random_state."""

import inspect
import pickle
import warnings

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

from sklearn.datasets import (  # noqa: E402
    load_breast_cancer,
    load_digits,
    load_wine,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.preprocessing import scale  # noqa: E402

import picaflor.sklearn as ours  # noqa: E402

# Sums are taken in another order: measured differences after 30 epochs are below 1e-14, after 30
# iterations of lbfgs, whose line searches amplify them, below 1e-12.
CLOSE = {"rtol": 1e-9, "atol": 1e-11}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(name):
    random = np.random.RandomState(0)
    if name == "digits":
        x, y = load_digits(return_X_y=True)
        return scale(x)[:500], np.array(list("abcdefghij"))[y[:500]]
    if name == "cancer":
        x, y = load_breast_cancer(return_X_y=True)
        return scale(x)[:300], y[:300]
    if name == "multilabel":
        x, y = make_multilabel_classification(200, random_state=0)
        return scale(x), y
    x, y = make_regression(250, 10, n_targets=3 if name == "outputs" else 1, random_state=0)
    if name == "counts":
        y = random.poisson(np.exp(0.4 * x[:, 0]))
        return x, y
    return x, y / 100


WEIGHTS = "sample_weight" in inspect.signature(theirs.MLPClassifier.fit).parameters


def both(name, weighted=False, **parameters):
    if not WEIGHTS and (weighted or name == "counts"):
        pytest.skip("scikit-learn before 1.7 has neither weights nor the Poisson loss here")
    x, y = data(name)
    kind = "MLPRegressor" if name in ("numbers", "outputs", "counts") else "MLPClassifier"
    if name == "counts":
        parameters["loss"] = "poisson"
    weight = np.random.RandomState(1).uniform(0.1, 2, len(x)) if weighted else None
    parameters = {"max_iter": 30, "random_state": 3, **parameters}
    pair = [getattr(module, kind)(**parameters) for module in (theirs, ours)]
    for estimator in pair:
        if weighted:
            estimator.fit(x, y, sample_weight=weight)
        else:
            estimator.fit(x, y)
    return (*pair, x)


def assert_same(expected, actual):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(actual, name) == getattr(expected, name), name
    lists = ("coefs_", "intercepts_", "loss_curve_", "validation_scores_")
    for name in (*lists, "loss_", "best_loss_", "best_validation_score_"):
        assert hasattr(actual, name) == hasattr(expected, name), name
        value = getattr(expected, name, None)
        if value is None:
            assert getattr(actual, name, None) is None, name
        elif name in lists:
            assert len(value) == len(getattr(actual, name)), name
            for a, b in zip(getattr(actual, name), value, strict=True):
                np.testing.assert_allclose(a, b, **CLOSE, err_msg=name)
        else:
            np.testing.assert_allclose(getattr(actual, name), value, **CLOSE, err_msg=name)


CONFIGURATIONS = {
    "digits, default": ("digits", {}),
    "digits, sgd": ("digits", {"solver": "sgd", "hidden_layer_sizes": (20,)}),
    "digits, tanh, two layers": ("digits", {"activation": "tanh", "hidden_layer_sizes": (16, 8)}),
    "digits, logistic": ("digits", {"activation": "logistic", "hidden_layer_sizes": 20}),
    "digits, identity, no momentum": (
        "digits",
        {"activation": "identity", "solver": "sgd", "momentum": 0.0},
    ),
    "digits, in order, batches of 37": (
        "digits",
        {"shuffle": False, "batch_size": 37, "alpha": 0.5},
    ),
    "digits, lbfgs": ("digits", {"solver": "lbfgs", "hidden_layer_sizes": 10}),
    "digits, weights": ("digits", {"weighted": True}),
    "digits, early stopping": (
        "digits",
        {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive"},
    ),
    "cancer, plain momentum": (
        "cancer",
        {"solver": "sgd", "learning_rate_init": 0.1, "nesterovs_momentum": False},
    ),
    "cancer, invscaling": (
        "cancer",
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
    ),
    "cancer, adaptive": (
        "cancer",
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "learning_rate_init": 0.1,
            "n_iter_no_change": 1,
            "tol": 1e-2,
            "max_iter": 80,
        },
    ),
    "cancer, early stopping, weights": (
        "cancer",
        {"early_stopping": True, "weighted": True, "n_iter_no_change": 3},
    ),
    "multilabel": ("multilabel", {}),
    "multilabel, early stopping": ("multilabel", {"early_stopping": True}),
    "multilabel, lbfgs": ("multilabel", {"solver": "lbfgs", "hidden_layer_sizes": 5}),
    "numbers": ("numbers", {}),
    "numbers, adam's parameters": ("numbers", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    "numbers, lbfgs, weights": ("numbers", {"solver": "lbfgs", "weighted": True}),
    "outputs": ("outputs", {}),
    "outputs, weights": ("outputs", {"weighted": True, "solver": "sgd", "batch_size": 32}),
    "outputs, lbfgs": ("outputs", {"solver": "lbfgs", "hidden_layer_sizes": 10}),
    "outputs, early stopping": ("outputs", {"early_stopping": True}),
    "counts": ("counts", {}),
    "counts, weights": ("counts", {"weighted": True, "batch_size": 50}),
    "counts, lbfgs": ("counts", {"solver": "lbfgs", "hidden_layer_sizes": 10}),
}


@pytest.mark.parametrize(("name", "parameters"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_fit_equals_scikit_learn(name, parameters):
    expected, actual, x = both(name, **parameters)
    assert_same(expected, actual)
    if hasattr(actual, "classes_"):
        np.testing.assert_array_equal(actual.classes_, expected.classes_)
        np.testing.assert_allclose(actual.predict_proba(x), expected.predict_proba(x), **CLOSE)
        np.testing.assert_array_equal(actual.predict(x[::-3]), expected.predict(x[::-3]))
    else:
        np.testing.assert_allclose(actual.predict(x[::-3]), expected.predict(x[::-3]), **CLOSE)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_equals_scikit_learn(solver):
    x, y = data("digits")
    pair = []
    for module in (theirs, ours):
        estimator = module.MLPClassifier((20,), solver=solver, random_state=0)
        for part in (slice(0, 250), slice(250, 500), slice(100, 300)):
            estimator.partial_fit(x[part], y[part], classes=np.unique(y))
        estimator.set_params(alpha=0.5, activation="tanh")  # the optimizer goes on as it was
        estimator.partial_fit(x, y)
        estimator = pickle.loads(pickle.dumps(estimator))
        pair.append(estimator.set_params(alpha=0.1).partial_fit(x, y))
    assert_same(*pair)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_warm_start_equals_scikit_learn(early_stopping):
    x, y = data("cancer")
    random = [np.random.RandomState(5), np.random.RandomState(5)]
    pair = [
        m.MLPClassifier(
            (8,), warm_start=True, max_iter=6, early_stopping=early_stopping, random_state=r
        )
        for m, r in zip((theirs, ours), random, strict=True)
    ]
    for estimator in pair:
        estimator.fit(x, y).fit(x, y)
    assert_same(*pair)
    # both have drawn the same numbers at the same moments
    assert random[0].randint(2**31) == random[1].randint(2**31)


def test_float32_gives_float32_weights_close_to_scikit_learn():
    x, y = data("cancer")
    pair = [
        m.MLPClassifier((8,), random_state=0, max_iter=20).fit(x.astype(np.float32), y)
        for m in (theirs, ours)
    ]
    for expected, actual in zip(pair[0].coefs_, pair[1].coefs_, strict=True):
        assert actual.dtype == np.float32
        # 40 steps of Adam move a weight by up to 0.04; a gradient's rounding is about 1e-6 of it
        np.testing.assert_allclose(actual, expected, atol=2e-5)
    assert (
        ours.MLPClassifier((8,), solver="lbfgs", max_iter=5)
        .fit(x.astype(np.float32), y)
        .coefs_[0]
        .dtype
        == np.float64
    )


def test_sparse_input_gives_the_same_as_dense(monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr("picaflor.sklearn.inputs._PIECE", 64 * 100)  # several pieces
    x, y = data("digits")
    parameters = {"hidden_layer_sizes": 10, "batch_size": 50, "max_iter": 5, "random_state": 0}
    dense = ours.MLPClassifier(**parameters).fit(x, y)
    for format in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array):
        estimator = ours.MLPClassifier(**parameters).fit(format(x), y)
        for expected, actual in zip(dense.coefs_, estimator.coefs_, strict=True):
            np.testing.assert_array_equal(actual, expected)
        np.testing.assert_allclose(estimator.loss_curve_, dense.loss_curve_, rtol=1e-12)
        np.testing.assert_array_equal(estimator.predict(format(x)), dense.predict(x))


def test_messages_are_those_of_scikit_learn(capsys):
    x, y = data("cancer")
    printed = []
    for module in (theirs, ours):
        estimator = module.MLPClassifier(
            (5,), verbose=True, max_iter=40, solver="sgd", learning_rate="adaptive",
            learning_rate_init=0.1, n_iter_no_change=1, tol=1e-2, random_state=0, batch_size=1000,
        )  # fmt: skip
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(x, y)
        told = [(w.category, str(w.message)) for w in caught]
        printed.append((capsys.readouterr().out, told))
    assert "Setting learning rate to" in printed[0][0]
    assert printed[0][1][0][1].startswith("Got `batch_size` less than 1")
    assert printed[1] == printed[0]


def test_convergence_warning_and_errors_are_those_of_scikit_learn():
    x, y = data("cancer")
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        ours.MLPClassifier(max_iter=2).fit(x, y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iteration"):
        ours.MLPClassifier(max_iter=2, solver="lbfgs").fit(x, y)
    cases = [
        ({"hidden_layer_sizes": (5, -1)}, "hidden_layer_sizes must be > 0"),
        ({"alpha": -1}, r"The 'alpha' parameter of MLPClassifier must be a float in the range \[0"),
        ({"momentum": 2}, "The 'momentum' parameter of MLPClassifier must be a float in the range"),
        ({"solver": "hoo"}, "The 'solver' parameter of MLPClassifier must be a str among"),
        ({"max_iter": 0}, r"The 'max_iter' parameter of MLPClassifier must be an int in the range"),
    ]
    for sizes in [(2.5,), ("a",)]:  # theirs says what NumPy does
        with pytest.raises(ValueError, match="hidden_layer_sizes must be whole numbers, got"):
            ours.MLPClassifier(sizes).fit(x, y)
    for parameters, message in cases:
        for module in (theirs, ours):
            with pytest.raises(ValueError, match=message):
                module.MLPClassifier(**parameters).fit(x, y)
    for module in (theirs, ours) if WEIGHTS else (ours,):  # older ones say less
        assert not hasattr(module.MLPClassifier(solver="lbfgs"), "partial_fit")
        with pytest.raises(ValueError, match="validation set is too small"):
            module.MLPClassifier(early_stopping=True).fit(x[:10], y[:10] > 2)
        with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
            module.MLPClassifier(early_stopping=True).partial_fit(x, y, classes=[0, 1])
        weight = np.repeat([1.0, 0.0], [200, len(x) - 200])
        with pytest.raises(ZeroDivisionError):  # one minibatch without any weight
            module.MLPClassifier(shuffle=False).fit(x, y, sample_weight=weight)
        diverging = module.MLPRegressor(solver="sgd", learning_rate_init=1e3, random_state=0)
        with (
            np.errstate(all="ignore"),
            pytest.raises(ValueError, match="non-finite parameter weights"),
        ):
            diverging.fit(1e3 * x, y)


def test_weights_set_by_the_user_are_used():
    x, y = data("cancer")
    pair = [m.MLPClassifier((4,), random_state=0, max_iter=3).fit(x, y) for m in (theirs, ours)]
    for estimator in pair:
        estimator.coefs_[0] = np.full_like(estimator.coefs_[0], 0.1)  # replaced
        estimator.intercepts_[1][...] = 0.3  # written to
    np.testing.assert_allclose(pair[1].predict_proba(x), pair[0].predict_proba(x), **CLOSE)
    for estimator in pair:
        estimator.partial_fit(x, y)
    assert_same(*pair)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("loss", ["softmax", "sigmoid"])
def test_loss_curve_of_data_that_are_not_scaled(loss, solver, dtype):
    # Probabilities reach 0 here, where scikit-learn cuts off -log p: without a cut the first
    # losses are more than twice as large.
    if loss == "softmax":
        x, y = load_wine(return_X_y=True)
        close = {"rtol": 1e-9} if dtype == np.float64 else {"rtol": 1e-5}
    else:
        x, y = make_multilabel_classification(200, random_state=0)
        x = 100 * x
        # theirs takes 1 - p from a rounded p: a thousand eps away from 1 its logarithm is off by
        # 0.001, and nearer to 1 by more
        close = {"rtol": 2e-3}
    pair = [m.MLPClassifier(solver=solver, random_state=0, max_iter=30) for m in (theirs, ours)]
    expected, actual = (estimator.fit(x.astype(dtype), y) for estimator in pair)
    assert actual.n_iter_ == expected.n_iter_
    np.testing.assert_allclose(actual.loss_curve_, expected.loss_curve_, **close)
    # no more than the cut; and that the most is reached shows that there is something to cut
    top = -np.log(np.finfo(dtype).eps) * (y.shape[1] if y.ndim == 2 else 1)
    assert 0.3 * top < max(actual.loss_curve_) <= top + 0.1  # the penalty is below 0.1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_lbfgs_on_data_that_are_not_scaled(dtype):
    # the loss decides over steps here: it is stuck on the edge of the cut
    x, y = load_wine(return_X_y=True)
    pair = [m.MLPClassifier(solver="lbfgs", random_state=0, max_iter=30) for m in (theirs, ours)]
    expected, actual = (estimator.fit(x.astype(dtype), y) for estimator in pair)
    assert actual.n_iter_ == expected.n_iter_ == 2
    close = CLOSE if dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-7}
    for a, b in zip(actual.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(a, b, **close)
    np.testing.assert_allclose(actual.loss_, expected.loss_, **close)
