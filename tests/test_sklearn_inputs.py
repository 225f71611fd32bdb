"""The short ways through scikit-learn's checks end where the long ones do."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.preprocessing import LabelBinarizer

import picaflor.sklearn.inputs as inputs
import picaflor.sklearn.labels as labels
from picaflor.sklearn import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
CODES = np.arange(40) % 4

LABELS = {
    "ids": CODES,
    "uint8": CODES.astype(np.uint8),
    "negative": CODES - 7,
    "two": CODES % 2,
    "bool": CODES % 2 == 0,
    "one": CODES * 0,
    "names": np.array(list("wxyz"))[CODES],
    "objects": np.array(list("wxyz"), dtype=object)[CODES],
    "floats": CODES.astype(float),
    "every second one": np.arange(40) // 2,
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_binarizer_is_that_of_scikit_learn(y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        actual = vars(labels.fitted_binarizer(y))
        told = len(caught)
        expected = vars(LabelBinarizer().fit(y))
    assert len(caught) == 2 * told  # the same words from both
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert type(actual[name]) is type(value)
        np.testing.assert_array_equal(actual[name], value)


def refuse(*args, **options):
    raise AssertionError("this is the short way")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("cls", "y"), [(MLPClassifier, CODES), (MLPRegressor, X[:, 0])], ids=["classes", "numbers"]
)
def test_plain_arrays_are_not_checked_twice(cls, y, monkeypatch):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    model = cls(max_iter=2, random_state=0)
    model.fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    monkeypatch.setattr(inputs, "validate_data", refuse)
    model.fit(X[:, :2], y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    with pytest.raises(AssertionError, match="short way"):  # everything else goes there
        model.fit(X[:, :2].tolist(), y)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.where(X[3, 1] == X, np.nan, X), CODES, "X contains NaN"),
        (np.where(X[3, 1] == X, np.inf, X), CODES, "X contains infinity"),
        (X, np.where(CODES == 1, np.nan, CODES), "y contains NaN"),
        (X[:0], CODES[:0], "0 sample"),
        (X[:, :0], CODES, "0 feature"),
        (X, CODES[:30], "inconsistent numbers of samples"),
        (X[:, 0], CODES, "Expected 2D array"),
        (X.astype(complex), CODES, "Complex data not supported"),
    ],
)
def test_what_is_wrong_is_still_refused(cls, x, y, message):
    with pytest.raises(ValueError, match=message):
        cls(max_iter=2).fit(x, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_other_number_of_features_is_refused():
    model = MLPClassifier(max_iter=2).partial_fit(X, CODES, classes=range(4))
    with pytest.raises(ValueError, match="2 features, but MLPClassifier is expecting 3"):
        model.partial_fit(X[:, :2], CODES)
