"""What client code does with estimators."""

import copy
import io
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import joblib
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from picaflor.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
XR, YR = make_regression(120, 5, noise=1.0, random_state=0)


def classifier(**parameters):
    defaults = {"learning_rate_init": 0.01, "max_iter": 40, "random_state": 0}
    return MLPClassifier((10,), **{**defaults, **parameters})


def regressor(**parameters):
    return MLPRegressor(
        hidden_layer_sizes=(10,), solver="lbfgs", random_state=0, max_iter=100, **parameters
    )


# `threading` trains several networks from several threads of one process
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_grid_search_with_two_jobs_equals_one(backend):
    grid = {"alpha": [1e-4, 1.0], "width": [4, 8]}
    alone = GridSearchCV(classifier(), grid, cv=3).fit(X, NAMES)
    with joblib.parallel_backend(backend, n_jobs=2):
        together = GridSearchCV(classifier(), grid, cv=3).fit(X, NAMES)
    np.testing.assert_array_equal(
        together.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    assert together.best_params_ == alone.best_params_


def test_randomized_and_halving_search_in_a_pipeline():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    pipeline = make_pipeline(StandardScaler(), classifier())
    space = {"mlpclassifier__alpha": [1e-4, 1e-2], "mlpclassifier__n_layers": [1, 2]}
    search = RandomizedSearchCV(pipeline, space, n_iter=2, cv=2, random_state=0).fit(X, NAMES)
    assert search.score(X, NAMES) > 0.8
    halving = HalvingGridSearchCV(pipeline, space, cv=2, random_state=0).fit(X, NAMES)
    assert halving.score(X, NAMES) > 0.8


def test_cross_validation_and_learning_curve():
    model = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(model, X, NAMES, cv=3).mean() > 0.8
    probability = cross_val_predict(model, X, NAMES, cv=3, method="predict_proba")
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    _, train, _ = learning_curve(model, X, NAMES, cv=2, train_sizes=[0.5, 1.0], shuffle=True,
                                 random_state=0)  # fmt: skip
    assert train.shape == (2, 2)


def test_calibration_stacking_voting_bagging_one_vs_rest():
    simple = LogisticRegression(max_iter=500)
    pair = [("mlp", classifier()), ("line", simple)]
    for model in (
        CalibratedClassifierCV(classifier(), cv=2),
        StackingClassifier(pair, final_estimator=simple, cv=2),
        VotingClassifier(pair, voting="soft"),
        BaggingClassifier(classifier(), n_estimators=2, random_state=0),
        OneVsRestClassifier(classifier()),
    ):
        assert model.fit(X, NAMES).score(X, NAMES) > 0.6, model  # a third would be by chance


def test_regressors_that_contain_ours():
    for model in (
        TransformedTargetRegressor(regressor(), transformer=StandardScaler()),
        VotingRegressor([("mlp", regressor()), ("line", LinearRegression())]),
    ):
        assert model.fit(XR, YR).score(XR, YR) > 0.9, model
    two = np.column_stack([YR, -YR])
    assert MultiOutputRegressor(regressor()).fit(XR, two).predict(XR).shape == (120, 2)


def test_inspection():
    model = regressor().fit(XR, YR)
    importance = permutation_importance(model, XR, YR, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (5,)
    assert np.all(importance.importances_mean > 0)
    assert partial_dependence(model, XR, [0], grid_resolution=5)["average"].shape == (1, 5)


@pytest.mark.parametrize("copier", ["pickle", "deepcopy", "joblib", "memory map"])
def test_copies_predict_the_same_and_train_on_alike(copier, tmp_path):
    model = classifier().fit(X, NAMES)
    if copier == "pickle":
        other = pickle.loads(pickle.dumps(model))
    elif copier == "deepcopy":
        other = copy.deepcopy(model)
    else:
        joblib.dump(model, tmp_path / "model")
        other = joblib.load(tmp_path / "model", mmap_mode="r" if "map" in copier else None)
        assert other.coefs_[0].flags.writeable == ("map" not in copier)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(
        other.partial_fit(X, NAMES).coefs_[0], model.partial_fit(X, NAMES).coefs_[0]
    )


def test_clone_keeps_parameters_only():
    model = classifier(callbacks=[], activation=["relu"]).fit(X, NAMES)
    other = clone(model)
    assert repr(other.get_params()) == repr(model.get_params())
    with pytest.raises(NotFittedError):
        other.predict(X)
    with pytest.raises(NotFittedError):
        other.model_  # noqa: B018


def test_predict_leaves_the_estimator_alone():
    model = classifier().fit(X, NAMES)
    before = dict(vars(model))
    for method in ("predict", "predict_proba", "predict_log_proba"):
        getattr(model, method)(X)
    assert model.model_.count_params() == 83
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[key] is value for key, value in before.items())


def test_data_frames_and_feature_names():
    pandas = pytest.importorskip("pandas", reason="data frames are pandas's")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = classifier().fit(frame, pandas.Series(NAMES))
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(model.predict(frame), classifier().fit(X, NAMES).predict(X))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])
    # scoring by a scorer sees the held-out rows without names, and must not warn of it
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        classifier(early_stopping=True, validation_scoring="accuracy", n_iter_no_change=1).fit(
            frame, NAMES
        )


def test_set_output_of_a_pipeline_in_front():
    pandas = pytest.importorskip("pandas", reason="data frames are pandas's")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), classifier()).set_output(transform="pandas")
    pipeline.fit(frame, NAMES)
    assert list(pipeline[-1].feature_names_in_) == list("abcd")


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x.astype(">f8"),
        lambda x: x.tolist(),
        sparse.csr_matrix,
        sparse.csc_matrix,
        lambda x: _read_only(x),
    ],
    ids=["fortran", "strided", "big-endian", "list", "csr", "csc", "read-only"],
)
def test_inputs_of_every_kind_give_the_same(convert):
    expected = classifier(max_iter=5).fit(X, NAMES)
    model = classifier(max_iter=5).fit(convert(X), NAMES)
    for a, b in zip(model.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict_proba(convert(X)), expected.predict_proba(X))


@pytest.mark.parametrize("shuffle", [True, False])
def test_samples_in_fortran_order_are_copied_for_shuffling_only(shuffle):
    x, y = np.zeros((40_000, 20), np.float32, order="F"), np.zeros(40_000, np.float32)
    model = MLPRegressor(hidden_layer_sizes=(2,), max_iter=2, shuffle=shuffle, batch_size=10_000)
    tracemalloc.start()
    try:
        model.fit(x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert x.nbytes * shuffle <= peak < x.nbytes * (0.5 + shuffle)


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((2, 4), np.nan), "NaN"),
        (np.full((2, 4), np.inf), "infinity"),
        (np.zeros((2, 3)), "features"),
        (np.zeros((0, 4)), "minimum of 1 is required"),
        (np.zeros(4), "2D array"),
    ],
)
def test_predict_refuses_what_scikit_learn_refuses(x, message):
    model = classifier(max_iter=2).fit(X, NAMES)
    with pytest.raises(ValueError, match=message):
        model.predict(x)


def test_metadata_routing_brings_weights():
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(max_iter=3).set_fit_request(sample_weight=True)
        search = GridSearchCV(
            model.set_score_request(sample_weight=False), {"alpha": [0.1]}, cv=2
        ).fit(X, NAMES, sample_weight=np.arange(150.0))
    weighted = search.best_estimator_.loss_
    assert weighted != classifier(max_iter=3, alpha=0.1).fit(X, NAMES).loss_
    direct = classifier(max_iter=3, alpha=0.1).fit(X, NAMES, sample_weight=np.arange(150.0))
    assert weighted == direct.loss_


def test_partial_fit_reaches_what_fit_reaches():
    model = classifier()
    for _ in range(100):
        model.partial_fit(X, NAMES, classes=np.unique(NAMES))
    assert model.score(X, NAMES) > 0.9
    assert len(model.loss_curve_) == 100
    assert model.n_iter_ == 1


def test_representations():
    model = classifier()
    assert repr(model).startswith("MLPClassifier(hidden_layer_sizes=(10,)")
    assert "MLPClassifier" in model._repr_html_()
    pickle.dump(model, io.BytesIO())


def test_ctrl_c_keeps_the_model_so_far():
    from picaflor.callbacks import LambdaCallback

    def press(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = classifier(callbacks=[LambdaCallback(on_epoch_end=press)]).fit(X, NAMES)
    assert model.n_iter_ == 4
    np.testing.assert_array_equal(model.coefs_[0], classifier(max_iter=4).fit(X, NAMES).coefs_[0])


def test_polars_frames():
    polars = pytest.importorskip("polars", reason="tests data frames of polars")
    frame = polars.DataFrame({name: X[:, i] for i, name in enumerate("abcd")})
    model = classifier(max_iter=2).fit(frame, NAMES)
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(
        model.predict(frame), classifier(max_iter=2).fit(X, NAMES).predict(X)
    )
