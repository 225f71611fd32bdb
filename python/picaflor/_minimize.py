"""First-order descent on any function of an array, and numerical gradients."""

# The file is not called minimize.py: importing it would put a module in the place of pf.minimize.
from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor import optimizers
from picaflor._checks import integer, number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MinimizeResult", "minimize", "numerical_gradient"]

Array: TypeAlias = "npt.NDArray[np.float64]"

# A step whose gradient promised this many times `tol`, and brought less than `tol`, was no step
# near a minimum: the point jumped across a valley to the same height.
_BROKEN_PROMISE = 1e6


class MinimizeResult(dict[str, Any]):
    """What `minimize` found: a dict whose entries are attributes too, as SciPy's results are.

    Attributes
    ----------
    x : ndarray, shape of x0
        The last point.
    fun : float
        The loss there.
    success : bool
        Whether the descent came to rest.
    message : str
        Why it ended.
    nit : int
        The number of steps taken.
    path : ndarray, shape (nit + 1, *x0.shape)
        Every point, the first and the last included.
    losses : ndarray, shape (nit + 1,)
        The loss at every point.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the result has no {name!r}; it has {', '.join(self)}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        lines = []
        for key, value in self.items():
            if key in ("path", "losses"):
                text = f"array of shape {value.shape}"
            else:
                text = str(value) if isinstance(value, str) else repr(value)
            lines.append(f"{key:>{width}}: {text}")
        return "\n".join(lines)


def minimize(
    fun: Callable[[Any], Any],
    x0: npt.ArrayLike,
    grad: Callable[[Any], Any] | None = None,
    optimizer: str | optimizers.Optimizer | None = None,
    tol: float = 1e-8,
    max_iter: int = 10000,
) -> MinimizeResult:
    """Descend along the gradient of a function, step by step, and keep the whole path.

    Parameters
    ----------
    fun : callable
        The loss: from an array of the shape of `x0`, or a number where `x0` is one, to a number.
        It must not change what it is given.
    x0 : array_like
        Where to start; it is computed in float64.
    grad : callable, optional
        The gradient of `fun`, of the shape of `x0`. By default `numerical_gradient`, at two
        evaluations of `fun` per element and step.
    optimizer : str or Optimizer, optional
        The rule of the steps; by default ``SGD(learning_rate=0.01)``, plain gradient descent. A
        new optimizer with the same configuration is used, so that the one given stays as it is.
    tol : float, default 1e-8
        The descent has come to rest when the loss changes by at most so much in a step.
    max_iter : int, default 10000
        The largest number of steps.

    Returns
    -------
    MinimizeResult
        ``x``, ``fun``, ``success``, ``message``, ``nit``, ``path`` and ``losses``. ``success`` is
        True when the loss changed by at most `tol`, or `x` did not change at all. It is False,
        and the message says why,

        - when the descent diverged: the loss, the gradient or `x` is infinite or NaN,
        - when it swings: the loss no longer changes, but `x` jumps between two walls of a valley,
        - after `max_iter` steps.

    Raises
    ------
    TypeError
        If `fun` does not return one number.
    ValueError
        If the gradient has another shape than `x0`, or the loss at `x0` is not finite.

    Notes
    -----
    Overflow inside `fun` and `grad` is expected and gives no NumPy warnings.

    Examples
    --------
    >>> import picaflor as pf
    >>> result = pf.minimize(lambda x: x**2, 1.0, optimizer=pf.optimizers.SGD(0.1))
    >>> result.success, result.nit
    (True, 40)
    >>> print(f"{result.x:.4f}")
    0.0001
    >>> pf.minimize(lambda x: x**2, 1.0, optimizer=pf.optimizers.SGD(1.5)).message
    'diverged: the gradient is inf in step 513'

    A function with a saddle on the way from 2 to its minimum at -9/8: plain gradient descent
    stays there, momentum carries it across.

    >>> result = pf.minimize(
    ...     lambda x: 2 * x**4 + 3 * x**3 + 2,
    ...     x0=2.0,
    ...     grad=lambda x: 8 * x**3 + 9 * x**2,
    ...     optimizer=pf.optimizers.SGD(learning_rate=0.01, momentum=0.7),
    ... )
    >>> print(f"{result.x:.3f} in {result.nit} steps")
    -1.125 in 56 steps
    """
    tol = number(tol, "tol", minimum=0.0)
    max_iter = integer(max_iter, "max_iter", minimum=0)
    x = np.array(x0, dtype=np.float64, order="C")  # a copy
    rule = optimizers.get("sgd" if optimizer is None else optimizer)
    rule = type(rule).from_config(rule.get_config())
    if grad is None:

        def grad(point: Any) -> Any:
            return numerical_gradient(fun, point)

    with np.errstate(all="ignore"):
        return _descend(fun, grad, x, rule, tol, max_iter)


def _descend(
    fun: Callable[[Any], Any],
    grad: Callable[[Any], Any],
    x: Array,
    rule: optimizers.Optimizer,
    tol: float,
    max_iter: int,
) -> MinimizeResult:
    scalar = x.ndim == 0
    point = x[()] if scalar else x.copy()  # what fun sees: never the array that is updated
    path, losses = [point], [_number_from(fun, point)]
    if not math.isfinite(losses[0]):
        raise ValueError(f"fun must be finite at x0, got {losses[0]}")

    def result(success: bool, message: str) -> MinimizeResult:
        return MinimizeResult(
            x=path[-1],
            fun=losses[-1],
            success=success,
            message=message,
            nit=len(path) - 1,
            path=np.array(path),
            losses=np.array(losses),
        )

    for step in range(1, max_iter + 1):
        gradient = _gradient_from(grad, point, x)
        rule.apply([gradient], [x])
        last = point
        point = x[()] if scalar else x.copy()
        loss = _number_from(fun, point)
        path.append(point)
        losses.append(loss)
        if not (math.isfinite(loss) and _all_finite(point)):
            what = ("loss", loss) if not math.isfinite(loss) else ("point", point)
            if not _all_finite(gradient):
                what = ("gradient", gradient)
            return result(False, f"diverged: the {what[0]} is {what[1]} in step {step}")
        if abs(loss - losses[-2]) <= tol:
            if (point == last).all():
                why = "the gradient is zero" if not gradient.any() else "x no longer changes"
                return result(True, f"came to rest: {why} in step {step}")
            promise = abs(float((gradient * (point - last)).sum()))
            if promise > _BROKEN_PROMISE * max(tol, np.finfo(float).eps * abs(loss)):
                return result(
                    False,
                    f"swings: step {step} changed x, but not the loss; the learning rate is at "
                    "the edge of what converges",
                )
            return result(True, f"came to rest: the loss changed by at most {tol:g} in step {step}")
    return result(False, f"stopped after max_iter = {max_iter} steps")


def _number_from(fun: Callable[[Any], Any], point: Any) -> float:
    try:
        value = fun(point)
    except OverflowError:  # Python's own floats raise where NumPy's give infinity
        return math.inf
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size != 1:
            raise TypeError(f"fun must return a number, got an array of shape {value.shape}")
        return float(value.item())
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"fun must return a number, got {type(value).__name__}") from None


def _gradient_from(grad: Callable[[Any], Any], point: Any, x: Array) -> Array:
    try:
        gradient = np.asarray(grad(point), dtype=np.float64)
    except OverflowError:
        return np.full(x.shape, np.inf)
    if gradient.shape != x.shape:
        raise ValueError(
            f"grad must return an array of the shape of x0, {x.shape}, got {gradient.shape}"
        )
    return gradient


def _all_finite(value: Any) -> bool:
    return bool(np.isfinite(value).all())


def numerical_gradient(fun: Callable[[Any], Any], x: npt.ArrayLike) -> Any:
    """Gradient of a function by central differences.

    For each element, with h = cbrt(eps) max(1, abs(x_i))::

        (fun(x + h e_i) - fun(x - h e_i)) / 2 h

    That is good to about 1e-10 relative to the size of the function and its third derivative [1]_.

    Parameters
    ----------
    fun : callable
        From an array of the shape of `x`, or a number where `x` is one, to a number. The array it
        gets is the same in all calls, changed in between: copy what is to be kept.
    x : array_like
        The point; it is computed in float64, and left as it is.

    Returns
    -------
    ndarray of float64, shape of `x`
        The gradient; a NumPy number where `x` is a number.

    Raises
    ------
    TypeError
        If `fun` does not return one number.

    References
    ----------
    .. [1] W. H. Press et al., "Numerical Recipes", 3rd edition, section 5.7.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> pf.numerical_gradient(lambda x: (x**3).sum(), [[1.0, 2.0], [0.0, -1.0]]).round(6)
    array([[ 3., 12.],
           [ 0.,  3.]])
    """
    point = np.array(x, dtype=np.float64, order="C")
    if point.ndim == 0:
        return _slope(fun, point[()])
    gradient = np.empty_like(point)
    flat, out = point.reshape(-1), gradient.reshape(-1)
    for i, value in enumerate(flat.tolist()):
        h = _STEP * max(1.0, abs(value))
        above, below = value + h, value - h
        flat[i] = above
        upper = _number_from(fun, point)
        flat[i] = below
        out[i] = (upper - _number_from(fun, point)) / (above - below)
        flat[i] = value
    return gradient


_STEP = float(np.cbrt(np.finfo(np.float64).eps))


def _slope(fun: Callable[[Any], Any], x: Any) -> Any:
    h = _STEP * max(1.0, abs(x))
    above, below = x + h, x - h
    return np.float64((_number_from(fun, above) - _number_from(fun, below)) / float(above - below))
