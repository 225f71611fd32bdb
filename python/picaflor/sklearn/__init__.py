"""scikit-learn's multilayer perceptrons, trained by picaflor's engine.

`MLPClassifier` and `MLPRegressor` take the place of the classes of these names in
``sklearn.neural_network``: same parameters, attributes and results for the same ``random_state``.
"""

try:
    import scipy
    import sklearn
except ImportError as error:
    raise ImportError(
        'picaflor.sklearn needs scikit-learn: pip install "picaflor[sklearn]"'
    ) from error

from picaflor.sklearn.classifier import MLPClassifier
from picaflor.sklearn.convert import from_sklearn
from picaflor.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "from_sklearn"]

del scipy, sklearn
