"""scikit-learn's own checks of estimators: none may fail that passes for its own MLP."""

import inspect

import numpy as np
import pytest

checks = pytest.importorskip("sklearn.utils.estimator_checks", reason="scikit-learn is missing")

from sklearn import neural_network  # noqa: E402
from sklearn.base import clone  # noqa: E402

import picaflor.sklearn as ours  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of scikit-learn's own checks
]


_mark = checks.parametrize_with_checks(
    [ours.MLPClassifier(max_iter=50), ours.MLPRegressor(max_iter=50)]
)


# as a list: pytest 9 no longer wants the generator that older scikit-learn gives it
@pytest.mark.parametrize(_mark.args[0], list(_mark.args[1]), **_mark.kwargs)
def test_estimator_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_parameters_begin_with_those_of_scikit_learn(name):
    theirs = getattr(neural_network, name)()
    mine = getattr(ours, name)()
    expected, actual = theirs.get_params(), mine.get_params()
    assert expected.items() <= actual.items()  # names and defaults

    def order(estimator):
        return [
            (p.name, p.kind)
            for p in inspect.signature(type(estimator)).parameters.values()
            if p.name in expected
        ]

    assert order(mine) == order(theirs)
    assert vars(clone(mine)).keys() == vars(mine).keys() == actual.keys()


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_methods_and_attributes_are_those_of_scikit_learn(name):
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    theirs, mine = (getattr(m, name)(max_iter=2).fit(x, y) for m in (neural_network, ours))

    def public(estimator):
        return {key for key in dir(estimator) if not key.startswith("_")}

    assert public(theirs) <= public(mine)
    own = {"from_sklearn", "to_sklearn", "model_", "validation_curve_", *mine.get_params()}
    # scikit-learn before 1.7 trains without sample weights, so nothing can be requested
    own |= {"set_fit_request", "set_partial_fit_request"}
    assert public(mine) - public(theirs) <= own


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_tags_are_those_of_scikit_learn(name):
    tags = pytest.importorskip("sklearn.utils", reason="scikit-learn is missing")
    if not hasattr(tags, "get_tags"):
        pytest.skip("scikit-learn before 1.6 has another kind of tags")
    theirs, mine = (tags.get_tags(getattr(m, name)()) for m in (neural_network, ours))
    assert mine == theirs
