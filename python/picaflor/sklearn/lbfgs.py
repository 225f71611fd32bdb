"""The solver "lbfgs": SciPy's L-BFGS-B on the engine's loss and gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import optimize, sparse
from sklearn.exceptions import ConvergenceWarning

from picaflor import Sequential
from picaflor.sklearn.compatibility import lbfgs_print_options
from picaflor.sklearn.inputs import Array
from picaflor.sklearn.network import dense_layers
from picaflor.sklearn.objective import Objective


def fit_lbfgs(
    estimator: Any, model: Sequential, objective: Objective, x: Any, y: Array, weights: Array | None
) -> None:
    """Minimize the loss over all rows; the model has the final weights then.

    The variables are all kernels, then all biases.
    """
    e = estimator
    kernels = [layer.kernel for layer in dense_layers(model)]
    biases = [layer.bias for layer in dense_layers(model) if layer.bias is not None]
    variables = [*kernels, *biases]
    order = [2 * i for i in range(len(kernels))] + [2 * i + 1 for i in range(len(kernels))]
    if sparse.issparse(x):
        x = x.toarray()
    targets = objective.targets(y)
    total = len(y) if weights is None else float(weights.sum())
    if total == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    constant = objective.constant(y)
    offset = 0.0 if constant is None else float(np.average(constant, weights=weights))

    def put(point: Array) -> None:
        start = 0
        for variable in variables:
            variable[...] = point[start : start + variable.size].reshape(variable.shape)
            start += variable.size

    def loss_and_gradient(point: Array) -> tuple[float, Array]:
        put(point)
        loss, gradients = model.loss_and_gradients(x, targets, weights)
        end = sum(kernel.size for kernel in kernels)
        penalty = 0.5 * e.alpha * float(point[:end] @ point[:end]) / total
        value = objective.value_of_gradient_loss(loss, penalty) + offset
        return value, np.concatenate([gradients[i].ravel() for i in order])

    result = optimize.minimize(
        loss_and_gradient,
        np.concatenate([variable.ravel() for variable in variables]),
        method="L-BFGS-B",
        jac=True,
        options={
            "maxfun": e.max_fun,
            "maxiter": e.max_iter,
            "gtol": e.tol,
            **lbfgs_print_options(bool(e.verbose)),
        },
    )
    e.n_iter_ = min(int(result.nit), e.max_iter)
    e.loss_ = result.fun
    put(result.x)
    if result.status != 0:
        _warn(result, e.n_iter_, e.max_iter)


def _warn(result: Any, n_iter: int, max_iter: int) -> None:
    message = (
        f"lbfgs failed to converge after {n_iter} iteration(s) (status={result.status}):\n"
        f"{result.message}\n"
    )
    if n_iter == max_iter:
        message += (
            f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
        )
    message += (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=5)
