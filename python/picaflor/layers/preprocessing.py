"""Fixed scale and shift of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import as_real_array, boolean, integer
from picaflor.initializers import Constant
from picaflor.layers.base import Layer, LayerOptions, WeightSpec
from picaflor.layers.shapes import Array, Shape

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack

_BLOCK = 1 << 20  # values read at a time by Normalization.adapt: 8 MB as float64
_EPSILON = 1e-7  # the smallest standard deviation that is divided by, as in Keras


def _affine(scale: npt.ArrayLike, offset: npt.ArrayLike, shape: Shape) -> dict[str, Any]:
    """Return the operation ``y = x * scale + offset`` with both spread over one flat sample."""

    def spread(value: npt.ArrayLike) -> Array:
        return np.array(np.broadcast_to(value, shape), dtype=np.float64).ravel()

    return {"op": "affine", "scale": spread(scale), "offset": spread(offset)}


class Rescaling(Layer):
    """Compute ``y = x * scale + offset``, for example 1/255 for images of bytes.

    Parameters
    ----------
    scale : float or array_like
        What to multiply by; an array has to broadcast to one sample.
    offset : float or array_like, default 0.0
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Raises
    ------
    ValueError
        If an array does not broadcast to one sample.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.Rescaling(2.0, offset=-1.0)([[0.0, 0.5, 1.0]])
    array([[-1.,  0.,  1.]])
    """

    def __init__(
        self,
        scale: npt.ArrayLike,
        offset: npt.ArrayLike = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.scale = _number_or_array(scale, "scale")
        self.offset = _number_or_array(offset, "offset")

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        for name in ("scale", "offset"):
            given = np.shape(getattr(self, name))
            if given and not _broadcasts(given, shape):
                raise ValueError(f"{name} must broadcast to samples of {shape}, got shape {given}")
        return []

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return _affine(self.scale, self.offset, shape)


class Normalization(Layer):
    """Shift and scale each feature to mean 0 and variance 1.

    ``y = (x - mean) / max(sqrt(variance), 1e-7)``, with the population variance.

    Parameters
    ----------
    axis : int, tuple of int or None, default -1
        Axes of the input (the batch is axis 0) that keep a mean and variance of their own;
        None: one mean and variance for everything.
    mean, variance : float or array_like, optional
        Known statistics, given together. Without them call `adapt` before training, or start
        from mean 0 and variance 1.
    invert : bool, default False
        Undo the normalization instead: ``y = x * max(sqrt(variance), 1e-7) + mean``.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Notes
    -----
    Without given statistics there are three weights, as in Keras: mean, variance and count (0).
    They are kept in float64 whatever the model's dtype is.

    Examples
    --------
    >>> import picaflor as pf
    >>> layer = pf.layers.Normalization()
    >>> layer.adapt([[1.0, 10.0], [3.0, 30.0]])
    >>> layer([[1.0, 10.0], [3.0, 30.0]])
    array([[-1., -1.],
           [ 1.,  1.]])
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: npt.ArrayLike | None = None,
        variance: npt.ArrayLike | None = None,
        invert: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        axes = () if axis is None else axis if isinstance(axis, (list, tuple)) else (axis,)
        self.axis = tuple(integer(a, "axis") for a in axes)
        if (mean is None) != (variance is None):
            raise ValueError("mean and variance must be given together")
        self.mean = None if mean is None else _number_or_array(mean, "mean")
        self.variance = None if variance is None else _number_or_array(variance, "variance")
        self.invert = boolean(invert, "invert")

    def _kept(self, ndim: int) -> tuple[int, ...]:
        """Return the axes with statistics of their own, counted from 0, the batch being 0."""
        kept = sorted({a + ndim if a < 0 else a for a in self.axis})
        if any(not 1 <= a < ndim for a in kept):
            raise ValueError(
                f"axis must name axes 1 to {ndim - 1} of inputs with {ndim} dimensions, "
                f"got {self.axis}"
            )
        return tuple(kept)

    def _statistics_shape(self, shape: Shape) -> Shape:
        return tuple(shape[a - 1] for a in self._kept(len(shape) + 1))

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        wanted = self._statistics_shape(shape)
        if self.mean is None:
            return [
                WeightSpec("mean", wanted, Constant(0.0), trained=False),
                WeightSpec("variance", wanted, Constant(1.0), trained=False),
                WeightSpec("count", (), Constant(0.0), trained=False),
            ]
        for name in ("mean", "variance"):
            given = np.shape(getattr(self, name))
            if not _broadcasts(given, wanted):
                raise ValueError(f"{name} must have shape {wanted}, got {given}")
        return []

    def _build(
        self, shape: Sequence[int | None], rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> None:
        super()._build(shape, rng, np.dtype(np.float64))

    def adapt(self, data: npt.ArrayLike) -> None:
        """Take mean and variance from data; it is read block by block, in float64.

        Parameters
        ----------
        data : array_like, shape (n, ...), n >= 1

        Raises
        ------
        ValueError
            If there is no row, or the statistics were given to the constructor.
        """
        if self.mean is not None:
            raise ValueError("cannot adapt: mean and variance were given to the constructor")
        x = as_real_array(data, "data")
        if x.ndim == 1:
            x = x[:, None]
        if x.ndim < 2 or len(x) == 0:
            raise ValueError(f"data must have shape (n, ...) with n >= 1, got {x.shape}")
        self._build(x.shape[1:], np.random.default_rng(0), np.dtype(np.float64))
        mean, variance = _moments(x, self._kept(x.ndim))
        self._values[0][...] = mean
        self._values[1][...] = variance
        self._weights_changed()

    def _weights_changed(self) -> None:
        model = self._model()
        if model is not None:
            model._constants_changed()

    def _engine_weights(self) -> int:
        return 0

    def _operation(self, shape: Shape) -> dict[str, Any]:
        kept = self._kept(len(shape) + 1)
        spread = tuple(extent if a + 1 in kept else 1 for a, extent in enumerate(shape))
        wanted = self._statistics_shape(shape)
        given = (
            self._values[:2]
            if self.mean is None
            else [np.asarray(self.mean), np.asarray(self.variance)]
        )
        mean, variance = (np.broadcast_to(value, wanted).reshape(spread) for value in given)
        deviation = np.maximum(np.sqrt(variance), _EPSILON)
        if self.invert:
            return _affine(deviation, mean, shape)
        return _affine(1 / deviation, -mean / deviation, shape)


def _moments(x: Array, kept: tuple[int, ...]) -> tuple[Array, Array]:
    """Return mean and population variance over all axes but the kept ones.

    Blocks are merged by the rule of Chan, Golub and LeVeque (1979): never E[x^2] - E[x]^2.
    """
    over = tuple(a for a in range(x.ndim) if a not in kept)
    rows = max(1, _BLOCK // max(1, x[:1].size))
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for start in range(0, len(x), rows):
        block = x[start : start + rows].astype(np.float64)
        n = block.size // max(1, int(np.prod([x.shape[a] for a in kept])))
        block_mean = block.mean(axis=over, keepdims=True)
        block_squares = np.square(block - block_mean).sum(axis=over)
        shift = np.squeeze(block_mean, axis=over) - mean
        squares = squares + block_squares + shift**2 * (count * n / (count + n))
        mean = mean + shift * (n / (count + n))
        count += n
    return mean, squares / count


def _number_or_array(value: npt.ArrayLike, name: str) -> float | Array:
    array = np.array(as_real_array(value, name), dtype=np.float64)
    return float(array) if array.ndim == 0 else array


def _broadcasts(given: Shape, wanted: Shape) -> bool:
    try:
        return np.broadcast_shapes(given, wanted) == wanted
    except ValueError:
        return False
