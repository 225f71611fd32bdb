"""Inference: what one row costs from call to result, and how fast many rows go through.

Every rival gets its own kind of array, made before the clock starts, and its result stays what it
is. The outputs are compared first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from effort import Effort
from networks import USED, Network, initial_weights
from peers.base import Peer
from timing import OURS, Call, against_best, race, summary


def latencies(calls: dict[str, Call], rounds: int, count: int) -> dict[str, Any]:
    """Return nanoseconds of single calls, `count` of each rival at a turn."""
    clock = time.perf_counter_ns
    taken: dict[str, list[int]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(count):
            call()
    for _ in range(rounds):
        for name, call in calls.items():
            append = taken[name].append
            for _ in range(count):
                start = clock()
                call()
                append(clock() - start)
    return {name: np.array(times) for name, times in taken.items()}


def rivals_of(
    sizes: tuple[int, ...], peers: Sequence[Peer], x: Any, methods: dict[str, str]
) -> dict[str, Callable[[], Any]]:
    """Return calls that predict `x`; `methods` are those of picaflor's model, by label."""
    weights = initial_weights(sizes, np.random.default_rng(3))
    calls: dict[str, Callable[[], Any]] = {}
    for peer in peers:
        made = peer.predictor(sizes, weights)
        if made is None:
            continue
        function, convert = made
        given = convert(x)
        if peer.name == OURS:
            for label, method in methods.items():
                bound = getattr(function, method) if method else function
                calls[label] = lambda bound=bound, given=given: bound(given)
        else:
            calls[peer.name] = lambda function=function, given=given: function(given)
    expected = np.asarray(calls[OURS]())
    scale = float(np.abs(expected).max())
    for name, call in calls.items():
        if not np.abs(np.asarray(call()) - expected).max() <= 1e-4 * scale:
            raise SystemExit(f"{sizes}: the outputs of {name} are not picaflor's")
    return calls


def run(peers: Sequence[Peer], effort: Effort, peak: float, threads: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(2)
    results = []
    print("latency of one row, microseconds: half of the calls take less (p50), 99 % do (p99)")
    for sizes in USED:
        name = Network(sizes, 1).name
        x = rng.random((1, sizes[0]), dtype=np.float32)
        calls = rivals_of(
            sizes, peers, x, {OURS: "", "picaflor predict_on_batch": "predict_on_batch"}
        )
        taken = latencies(calls, 5 * effort.rounds, 20 if effort.seconds == 0 else 200)
        figures = {
            rival: {
                "p50": float(np.percentile(times, 50)) / 1e9,
                "p99": float(np.percentile(times, 99)) / 1e9,
                "best": float(times.min()) / 1e9,
            }
            for rival, times in taken.items()
        }
        for rival, values in figures.items():
            values["ratio"] = values["p50"] / figures[OURS]["p50"]
            print(
                f"  {name:<14}{rival:<28}p50 {values['p50'] * 1e6:>8.2f}"
                f"   p99 {values['p99'] * 1e6:>8.2f}{values['ratio']:>8.2f}x"
            )
        results.append({"what": "latency", "network": name, "rows": 1, "rivals": figures})
    rows = min(10_000, 10 * effort.rows)
    print(f"predict of {rows} rows, million rows per second")
    for sizes in USED:
        network = Network(sizes, rows)
        x = rng.random((rows, sizes[0]), dtype=np.float32)
        calls = rivals_of(sizes, peers, x, {OURS: "predict"})
        summaries = summary(race(calls, effort.rounds, effort.seconds))
        products = 2 * sum(a * b for a, b in pairwise(sizes))
        limit = peak * threads * 1e9 / products
        peer, ratio = against_best(summaries)
        for rival, values in summaries.items():
            values["rows_per_second"] = rows / values["best"]
            print(
                f"  {network.name:<14}{rival:<28}{values['rows_per_second'] / 1e6:>9.3f}"
                f"{100 * values['rows_per_second'] / limit:>8.1f} % of the limit"
                f"{values['ratio']:>8.2f}x"
            )
        results.append(
            {
                "what": "predict",
                "network": network.name,
                "rows": rows,
                "limit": limit,
                "rivals": summaries,
                "best_peer": peer,
                "ratio": ratio,
            }
        )
    return results
