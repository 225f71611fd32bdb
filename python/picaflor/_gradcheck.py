"""`gradcheck`: three witnesses for the gradients of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor import reference
from picaflor._checks import integer, number
from picaflor._gradcheck_report import Difference, GradcheckReport, ParameterCheck, ratio

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Difference", "GradcheckReport", "ParameterCheck", "gradcheck"]

Array: TypeAlias = "npt.NDArray[Any]"

# Agreement asked for where nothing amplifies rounding, relative to the largest entry of a gradient.
# float64: some thousand roundings of 1e-16; float32: some hundred of 6e-8.
_REFERENCE_RTOL = {"float32": 2e-5, "float64": 1e-10}
# Central differences in float64 are good to 1e-10 and lose a few digits where gradients are small.
_NUMERICAL_RTOL = 1e-6
# A gradient that is zero but for rounding is measured by this share of the model's largest one.
_SMALL = 1e-3
# Rounding may move a gradient this many times as far as one random rounding of all inputs did.
_AMPLIFICATION = 15.0
# Roundings that are tried to see whether a row lies on the kink of an activation.
_DRAWS = 8


def gradcheck(
    model: Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    *,
    training: bool = False,
    rtol: float | None = None,
    numerical_rtol: float | None = None,
    max_entries: int = 40,
    seed: int = 0,
) -> GradcheckReport:
    """Compare a model's gradients with the NumPy reference and with central differences.

    Three witnesses have to agree on the gradient of the loss of one batch:

    - the model's own, from the compiled engine, in the model's dtype;
    - `picaflor.reference`, textbook backpropagation in float64: every entry, of the model and of a
      float64 copy of it;
    - (L(w + h) - L(w - h)) / 2h with the engine's loss L in that copy, because in float32 the
      difference would keep three digits: up to `max_entries` random entries of each parameter,
      compared with the gradients of the copy.

    Parameters
    ----------
    model : Sequential
        Compiled. It is not changed.
    x : array_like, shape (n, ...)
    y : array_like, shape (n,), (n, 1) or (n, c)
    sample_weight : array_like, shape (n,), optional
    training : bool, default False
        Check with batch normalization in training mode. Dropout and noise are random and cannot be
        checked so; without `training` they do nothing.
    rtol : float, optional
        Disagreement with the reference that is allowed, relative to the largest entry of each
        gradient. Default: 1e-10 in float64 and 2e-5 in float32, or more where the model itself
        amplifies rounding: 15 times the change of the gradient under one random rounding of weights
        and inputs in the model's dtype; where that is not enough, 1.5 times the largest of eight
        such changes, which shows whether a row lies on the kink of an activation.
    numerical_rtol : float, optional
        The same for central differences. Default 1e-6, plus the rounding of the loss over h.
    max_entries : int, default 40
        Entries of each parameter that are checked by differences.
    seed : int, default 0
        Of their choice.

    Returns
    -------
    GradcheckReport
        Printed, it is a table with the worst entry; its truth value is ``report.ok``.

    Raises
    ------
    RuntimeError
        If the model is not compiled.
    ValueError
        If the data do not fit the model, or `training` is asked for with dropout or noise.

    Notes
    -----
    h starts as cbrt(2.2e-16) max(1, |w|), where the errors of truncation (h^2) and rounding (1/h)
    balance. Where an entry disagrees, h / 10 and h / 100 are tried and the best is taken: a kink
    (of a ReLU, say) between w - h and w + h spoils the difference, but not once h is smaller than
    the way to it. A wrong gradient stays wrong for every h.

    Examples
    --------
    >>> import picaflor as pf
    >>> model = pf.Sequential(
    ...     [pf.Input((3,)), pf.layers.Dense(4, "tanh"), pf.layers.Dense(1)],
    ...     dtype="float64",
    ...     seed=1,
    ... )
    >>> model.compile(loss="mse")
    >>> report = pf.gradcheck(model, [[0.1, 0.2, 0.3], [1.0, 0.0, -1.0]], [0.0, 1.0])
    >>> report.ok, len(report.parameters)
    (True, 4)
    """
    max_entries = integer(max_entries, "max_entries", minimum=1)
    rng = np.random.default_rng(integer(seed, "seed", minimum=0))
    if numerical_rtol is None:
        numerical_rtol = _NUMERICAL_RTOL
    numerical_rtol = number(numerical_rtol, "numerical_rtol", minimum=0.0)
    model.loss_and_gradients(x, y, sample_weight)  # builds it; complains about the arguments
    if training:
        _refuse_randomness(model)
    own, double = _copy(model, model.dtype), _copy(model, "float64")
    batch = (x, y, sample_weight, training)

    loss, gradients = own.loss_and_gradients(*batch)
    expected_loss, expected = reference.loss_and_gradients(model, *batch)
    _, exact = double.loss_and_gradients(*batch)
    scales, moved = _scales(expected), _Moved(model, batch, expected_loss, expected)

    def compare(found: list[Array], allowed: list[float]) -> list[Difference]:
        return [_worst(*four) for four in zip(found, expected, scales, allowed[:-1], strict=True)]

    in_double = compare(exact, moved.allowed(scales, "float64", rng))
    if rtol is not None:
        allowed = [number(rtol, "rtol", minimum=0.0)] * (len(expected) + 1)
        against = compare(gradients, allowed)
    else:
        allowed = moved.allowed(scales, model.dtype, rng)
        against = compare(gradients, allowed)
        if not all(d.ok for d in against):  # a kink closer to some row than rounding?
            allowed = moved.allowed(scales, model.dtype, rng, draws=_DRAWS)
            against = compare(gradients, allowed)

    checks = []
    for k, name in enumerate(_names(double)):
        numerical = _differences(
            double, batch, k, exact[k], scales[k], numerical_rtol, max_entries, rng
        )
        moves = bool(np.any(gradients[k] != 0))
        checks.append(
            ParameterCheck(name, expected[k].shape, against[k], in_double[k], numerical, moves)
        )
    loss_error = abs(loss - expected_loss) / (abs(expected_loss) or 1.0)
    rows = len(np.asarray(x))
    return GradcheckReport(loss, expected_loss, loss_error, allowed[-1], checks, model.dtype, rows)


def _refuse_randomness(model: Any) -> None:
    random = [layer.name for layer in model.layers if type(layer).__name__ in _RANDOM]
    if random:
        raise ValueError(
            f"training=True cannot be checked with layers that draw random numbers: {random}"
        )


_RANDOM = ("Dropout", "GaussianNoise")


def _copy(model: Any, dtype: str) -> Any:
    """Return a copy of the model in that dtype, with its weights and its loss."""
    copy = type(model).from_config({**model.get_config(), "dtype": dtype})
    if not copy.built:
        copy.build(model.input_shape)
    copy.set_weights(model.get_weights())
    for mine, its in zip(model.layers, copy.layers, strict=True):
        its.trainable = mine.trainable
    copy.compile(optimizer="sgd", loss=model.loss)
    return copy


def _names(model: Any) -> list[str]:
    """Return the names of the trainable weights, in order."""
    return [
        f"{layer.name}/{spec.name}"
        for layer in model.layers
        if layer.trainable
        for spec in layer._specs
        if spec.trained
    ]


def _scales(gradients: list[Array]) -> list[float]:
    """Return what errors of each gradient are relative to."""
    tops = [float(np.max(np.abs(g), initial=0.0)) for g in gradients]
    floor = _SMALL * max(tops, default=0.0) or 1.0
    return [max(top, floor) for top in tops]


class _Moved:
    """How far the exact loss and gradients move when weights and inputs are rounded differently.

    In its own dtype no model can do better than that.
    """

    def __init__(
        self, model: Any, batch: tuple[Any, ...], loss: float, gradients: list[Array]
    ) -> None:
        self.model, self.batch, self.loss, self.gradients = model, batch, loss, gradients

    def allowed(
        self, scales: list[float], dtype: str, rng: np.random.Generator, draws: int = 1
    ) -> list[float]:
        """Return the allowed errors of each gradient and, last, of the loss.

        One draw gives the size of smooth changes, which are multiplied by `_AMPLIFICATION`. A row
        that lies on the kink of an activation jumps or does not: of several draws some will.
        """
        units = [*scales, abs(self.loss) or 1.0]
        most = np.zeros(len(units))
        for _ in range(draws):
            loss, gradients = self._rounded(float(np.finfo(dtype).eps), rng)
            changes = [float(np.max(np.abs(c), initial=0.0)) for c in gradients]
            most = np.maximum(most, np.array([*changes, abs(loss)]) / units)
        factor = _AMPLIFICATION if draws == 1 else 1.5
        return [max(_REFERENCE_RTOL[dtype], factor * float(m)) for m in most]

    def _rounded(self, eps: float, rng: np.random.Generator) -> tuple[float, list[Array]]:
        """Return the changes under one random rounding."""

        def rounded(a: npt.ArrayLike) -> Array:
            a = np.asarray(a, dtype=np.float64)
            return a * (1 + eps * rng.choice([-1.0, 1.0], a.shape))

        x, y, sample_weight, training = self.batch
        network = reference.Network.from_model(self.model)
        for p in network.parameters:
            p[...] = rounded(p)
        loss, gradients = network.loss_and_gradients(rounded(x), y, sample_weight, training)
        trained = [g for g, t in zip(gradients, network.trained, strict=True) if t]
        pairs = zip(trained, self.gradients, strict=True)
        return loss - self.loss, [moved - exact for moved, exact in pairs]


def _worst(model: Array, other: Array, scale: float, allowed: float) -> Difference:
    """Return the largest difference of two gradients; a NaN is the largest of all."""
    if not other.size:
        return Difference(0.0, allowed, (), 0.0, 0.0, 0)
    errors = np.abs(np.asarray(model, dtype=np.float64) - other) / scale
    flat = int(np.argmax(errors))  # the first NaN, if there is one
    index = tuple(int(i) for i in np.unravel_index(flat, other.shape))
    return Difference(
        float(errors[index]),
        allowed,
        index,
        float(model[index]),
        float(other[index]),
        other.size,
    )


def _differences(
    model: Any,
    batch: tuple[Any, ...],
    k: int,
    gradient: Array,
    scale: float,
    rtol: float,
    max_entries: int,
    rng: np.random.Generator,
) -> Difference:
    """Compare the gradient of the k-th trainable weight with differences, at random entries."""
    w = model.trainable_weights[k]
    chosen = rng.choice(w.size, size=min(w.size, max_entries), replace=False)
    eps = float(np.finfo(np.float64).eps)
    worst = Difference(-1.0, 1.0, (), 0.0, 0.0, 0)
    for flat in np.sort(chosen):
        index = tuple(int(i) for i in np.unravel_index(int(flat), w.shape))
        value, best = float(w[index]), Difference(np.inf, 1.0, index, 0.0, 0.0, 0)
        for shrink in (1.0, 0.1, 0.01):
            h = shrink * np.cbrt(eps) * max(1.0, abs(value))
            above, below = value + h, value - h
            w[index] = above
            high = _loss(model, *batch)
            w[index] = below
            low = _loss(model, *batch)
            w[index] = value
            slope = (high - low) / (above - below)
            error = abs(float(gradient[index]) - slope) / scale
            allowed = rtol + 8 * eps * max(abs(high), abs(low)) / h / scale
            found = Difference(error, allowed, index, float(gradient[index]), slope, len(chosen))
            if np.isnan(error) or ratio(found) < ratio(best):
                best = found
            if best.ok:
                break
        if ratio(best) > ratio(worst):
            worst = best
    return worst


def _loss(model: Any, x: Any, y: Any, sample_weight: Any, training: bool) -> float:
    """Return the loss alone, which is cheaper without the gradients."""
    if training:
        return float(model.loss_and_gradients(x, y, sample_weight, training)[0])
    return float(model.test_on_batch(x, y, sample_weight))
