"""Races: rivals take turns, so that whatever disturbs the machine disturbs them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

Call = Callable[[], Any]
OURS = "picaflor"
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


_clock = time.perf_counter
_rest = 0.0


def use_clock(name: str) -> None:
    """Let races be timed by the wall's clock, or by the processor time of all threads."""
    global _clock
    _clock = CLOCKS[name]


def rest_between_turns(threads: int) -> None:
    """Let a rival's threads fall asleep before the next one is timed, if there are several.

    OpenBLAS's go on asking for work for an eighth of a second after a product. Whoever comes next
    has to share a core with them, and is as slow as with a thread less.
    """
    global _rest
    _rest = 0.2 if threads > 1 else 0.0


def race(calls: dict[str, Call], rounds: int, seconds: float = 0.0) -> dict[str, list[float]]:
    """Return seconds per call, one figure for each round and rival.

    In each round every rival runs for about `seconds` (at least once), each time starting with
    another one. Call each once before: the first call pays for memory and compilation.
    """
    repeats = dict.fromkeys(calls, 1)
    for name, call in calls.items() if seconds else ():
        start = _clock()
        call()
        repeats[name] = max(1, int(seconds / max(_clock() - start, 1e-7)))
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            call, count = calls[name], range(repeats[name])
            if _rest:
                time.sleep(_rest)
                call()  # the core and its caches are awake again
            start = _clock()
            for _ in count:
                call()
            times[name].append(max(_clock() - start, 1e-9) / len(count))
    return times


def summary(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return for each rival its best and median seconds, and how many times as fast ours is.

    The ratio is the median over the rounds of (its time / our time): rounds are neighbours in
    time, so that a slow spell of the machine hits both sides of a ratio.
    """
    return {
        name: {
            "best": min(taken),
            "median": median(taken),
            "ratio": median(a / b for a, b in zip(taken, times[OURS], strict=True)),
        }
        for name, taken in times.items()
    }


def against_best(rivals: dict[str, dict[str, float]]) -> tuple[str, float]:
    """Return the fastest peer, by its best time, and our ratio to it; ("", nan) without peers."""
    peers = {name: figures for name, figures in rivals.items() if not name.startswith(OURS)}
    if not peers:
        return "", float("nan")
    name = min(peers, key=lambda peer: peers[peer]["best"])
    return name, peers[name]["ratio"]


def geometric_mean(values: list[float]) -> float:
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product
