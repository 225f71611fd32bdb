"""scikit-learn's MLPClassifier and MLPRegressor, one `partial_fit` an epoch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from networks import Array, Problem

from .base import Epoch, Peer


class Sklearn(Peer):
    """Float32 throughout; `partial_fit` shuffles and goes once over the rows."""

    name = "sklearn"
    version = sklearn.__version__

    def trainer(self, problem: Problem) -> Epoch | None:
        network, sgd = problem.network, problem.optimizer == "sgd"
        if network.classifies and network.sizes[-1] == 2:
            return None  # scikit-learn's network has a single output for two classes
        # MLPRegressor halves the squared error, and with it the gradient.
        half = 1 if network.classifies else 2
        estimator: Any = (MLPClassifier if network.classifies else MLPRegressor)(
            hidden_layer_sizes=network.sizes[1:-1],
            solver=problem.optimizer,
            learning_rate_init=problem.rate * (half if sgd else 1),
            momentum=0.0,
            nesterovs_momentum=False,
            alpha=0.0,
            epsilon=1e-7,
            batch_size=len(problem.x),
            max_iter=1,
            warm_start=True,
            random_state=0,
        )
        y = problem.y if network.classifies else problem.y[:, 0]

        def fit(x: Array) -> None:
            with warnings.catch_warnings():  # that one epoch does not converge
                warnings.simplefilter("ignore", ConvergenceWarning)
                estimator.fit(x, y)

        # A step on zeros makes the weights, which then become those of the others. The next `fit`
        # goes on from them with a new optimizer.
        fit(np.zeros_like(problem.x))
        estimator.set_params(batch_size=network.batch)
        for k, (weight, bias) in enumerate(
            zip(problem.weights[::2], problem.weights[1::2], strict=True)
        ):
            estimator.coefs_[k][...] = weight
            estimator.intercepts_[k][...] = bias

        fresh = True

        def epoch(shuffle: bool) -> float:
            nonlocal fresh
            estimator.set_params(shuffle=shuffle)
            if fresh:
                fit(problem.x)
            else:
                estimator.partial_fit(problem.x, y)
            fresh = False
            return float(estimator.loss_) * half

        return epoch


def make(threads: int) -> Peer:
    return Sklearn()
