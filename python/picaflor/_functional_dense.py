"""The dense layer on arrays: the part of `picaflor.functional` that multiplies matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import _core, activations

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["dense_backward", "dense_forward"]


def dense_forward(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    activation: str | activations.Activation | None = None,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Affine map of rows and an activation: y = f(x W + b).

    The result is float32 if `x`, `weight` and `bias` all are, and float64 otherwise. Each element
    is one sum in a fixed order, so a row's result depends neither on the other rows nor on the
    number of threads, bit for bit. (With up to four outputs it is another order where the rows of
    `x` are contiguous.)

    Parameters
    ----------
    x : array_like, shape (n, d)
        Any strides; only dtypes other than float32 and float64 are copied.
    weight : array_like, shape (d, m)
        Column j holds the weights of output j.
    bias : array_like, shape (m,), optional
        Zero if not given.
    activation : str or picaflor.activations.Activation, optional
        None is the identity; ``"softmax"`` and ``"log_softmax"`` go over each row.
    out : ndarray, shape (n, m), optional
        Receives the result: dtype of the result, rows contiguous. It may overlap the inputs.

    Returns
    -------
    ndarray, shape (n, m)
        `out` itself if it was given.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, the activation is unknown, or `out` has the wrong
        shape, is read-only or has no contiguous rows.
    TypeError
        If an argument does not hold real numbers or `out` has another dtype.

    Examples
    --------
    >>> dense_forward([[1.0, 2.0]], [[1.0, 0.5], [1.0, -1.0]], [-1.0, 0.0], "relu")
    array([[2., 0.]])
    """
    if activation is None:
        return _core.dense_forward(x, weight, bias, None, 0.0, 0.0, 0.0, out)
    f = activations.get(activation)
    return _core.dense_forward(x, weight, bias, f.name, *f.params, out)


def dense_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, weight: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Gradients of y = x W + b: dx = dy W^T, dW = x^T dy, db = sum of the rows of dy.

    The results are float32 if all arguments are, and float64 otherwise.

    Parameters
    ----------
    dy : array_like, shape (n, m)
        Gradient with respect to y, before any activation.
    x : array_like, shape (n, d)
    weight : array_like, shape (d, m)

    Returns
    -------
    dx : ndarray, shape (n, d)
    dweight : ndarray, shape (d, m)
    dbias : ndarray, shape (m,)

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> dx, dweight, dbias = dense_backward([[3.0]], [[1.0, 2.0]], [[5.0], [7.0]])
    >>> dx, dweight, dbias
    (array([[15., 21.]]), array([[3.],
           [6.]]), array([3.]))
    """
    return _core.dense_backward(dy, x, weight)
