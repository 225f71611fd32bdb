"""How long a suite may take: full figures, a quick look, or only whether everything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Rounds of every race, seconds for each rival in a round, and sizes."""

    name: str
    rounds: int
    seconds: float
    epoch_operations: float  # of matrix products, in one epoch of the train and scaling suites
    rows: int  # at most, in an epoch
    largest: int  # elements of the kernels suite


FULL = Effort("full", 7, 0.05, 3e10, 20_000, 10**7)
QUICK = Effort("quick", 3, 0.003, 2.5e9, 4_000, 10**6)
SMOKE = Effort("smoke", 2, 0.0, 2e7, 512, 10**3)
EFFORTS = {effort.name: effort for effort in (FULL, QUICK, SMOKE)}
