"""What `gradcheck` reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["Difference", "GradcheckReport", "ParameterCheck", "ratio"]


@dataclass(frozen=True)
class Difference:
    """Where two gradients of one parameter differ most.

    Attributes
    ----------
    error : float
        |model - other| relative to the largest entry of the parameter's gradient (or to 1/1000 of
        the model's largest one, if that is more).
    allowed : float
        Largest `error` that counts as agreement.
    index : tuple of int
        The entry.
    model, other : float
        The two values there.
    entries : int
        How many entries were compared.
    """

    error: float
    allowed: float
    index: tuple[int, ...]
    model: float
    other: float
    entries: int

    @property
    def ok(self) -> bool:
        """Whether the error is within what is allowed; NaN is not."""
        return bool(self.error <= self.allowed)


@dataclass(frozen=True)
class ParameterCheck:
    """The verdict on one parameter.

    Attributes
    ----------
    name : str
        Layer and weight: ``dense/kernel``.
    shape : tuple of int
    reference : Difference
        The model's gradient against that of `picaflor.reference`, every entry.
    double : Difference
        The same for a float64 copy of the model; for a float64 model it is `reference`.
    numerical : Difference
        The gradient of the float64 copy against central differences of its loss, some entries.
    moves : bool
        Whether any entry of the model's gradient is not zero.
    """

    name: str
    shape: tuple[int, ...]
    reference: Difference
    double: Difference
    numerical: Difference
    moves: bool

    @property
    def ok(self) -> bool:
        """Whether all agree."""
        return all(d.ok for d in self.differences)

    @property
    def differences(self) -> tuple[Difference, Difference, Difference]:
        """`reference`, `double` and `numerical`."""
        return self.reference, self.double, self.numerical


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found; printing it shows a table.

    Attributes
    ----------
    ok : bool
        Whether loss and all gradients agree.
    parameters : list of ParameterCheck
        One per entry of ``model.trainable_weights``.
    worst : ParameterCheck or None
        The one that is furthest off, relative to what is allowed.
    loss, reference_loss : float
    loss_error, loss_allowed : float
        Relative difference of the two, and what counts as agreement.
    dtype : str
    rows : int
    """

    loss: float
    reference_loss: float
    loss_error: float
    loss_allowed: float
    parameters: list[ParameterCheck]
    dtype: str
    rows: int

    @property
    def ok(self) -> bool:
        """Whether loss and all gradients agree."""
        return self.loss_error <= self.loss_allowed and all(p.ok for p in self.parameters)

    @property
    def worst(self) -> ParameterCheck | None:
        """The parameter that is furthest off, relative to what is allowed."""
        return max(self.parameters, key=_badness, default=None)

    def __bool__(self) -> bool:
        """Return `ok`, so that ``assert gradcheck(...)`` does what it says."""
        return self.ok

    def __str__(self) -> str:
        """Return the table."""
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        """Return the table, so that it shows at a prompt."""
        return str(self)

    def _lines(self) -> Iterator[str]:
        verdict = "ok" if self.ok else "NOT OK"
        yield f"gradcheck ({self.dtype}, {self.rows} rows): {verdict}"
        yield (
            f"loss {self.loss:.9g}, reference {self.reference_loss:.9g}: "
            f"relative error {self.loss_error:.1e}, allowed {self.loss_allowed:.1e}"
        )
        if not self.parameters:
            yield "the model has no trainable weights"
            return
        single = self.dtype != "float64"
        against = ("vs reference", *(("in float64",) if single else ()), "vs differences")
        header = ("parameter", "shape", *(h for name in against for h in (name, "allowed")), "")
        rows = [header, *(_row(p, single) for p in self.parameters)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(header))]
        yield ""
        for row in rows:
            yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        yield ""
        assert self.worst is not None
        p = self.worst
        d, other = max(zip(p.differences, _OTHERS, strict=True), key=lambda pair: ratio(pair[0]))
        at = f"{p.name}[{', '.join(map(str, d.index))}]"
        yield f"worst: {at} is {d.model:.10g}, {other} {d.other:.10g}"
        zero = [p.name for p in self.parameters if not p.moves]
        if zero:
            yield f"zero everywhere, so that descent cannot train it: {', '.join(zero)}"


_OTHERS = ("reference", "reference (both in float64)", "central difference (in float64)")


def _row(p: ParameterCheck, single: bool) -> tuple[str, ...]:
    compared = p.differences if single else (p.reference, p.numerical)
    cells = (
        cell
        for d in compared
        for cell in (
            f"{d.error:.1e}" + (f" ({d.entries})" if d is p.numerical else ""),
            f"{d.allowed:.1e}",
        )
    )
    return p.name, str(p.shape), *cells, "" if p.ok else "<--"


def ratio(d: Difference) -> float:
    """Return error / allowed, infinite for NaN."""
    if d.error == 0:
        return 0.0
    return float("inf") if np.isnan(d.error) or d.allowed == 0 else d.error / d.allowed


def _badness(p: ParameterCheck) -> float:
    return max(map(ratio, p.differences))
