"""Scaling: what a sample costs as batch, width, rows and threads grow; SGD, float32.

Odd sizes are among them on purpose: a cliff would show. The cost in threads is picaflor's alone,
whose number of threads can be set between two rounds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import picaflor as pf
from effort import Effort
from networks import TRAINED, Network, problem
from peers.base import Peer
from suite_train import measure, rows_for
from timing import OURS, race, summary

BATCHES = (1, 2, 4, 8, 10, 16, 32, 33, 64, 128, 256, 512, 1024)
WIDTHS = (16, 32, 33, 64, 97, 128, 255, 256, 512, 1024, 1025, 2048)
ROWS = (1_000, 3_000, 10_000, 30_000, 100_000)


def thinned(values: tuple[int, ...], effort: Effort) -> tuple[int, ...]:
    return {"full": values, "quick": values[::2], "smoke": values[1:4:2]}[effort.name]


def series(effort: Effort) -> Iterator[tuple[str, int, Network, int]]:
    """Yield what varies, its value, the network and its rows."""
    for batch in thinned(BATCHES, effort):
        network = Network((784, 256, 10), batch)
        yield "batch", batch, network, rows_for(network, effort)
    for width in thinned(WIDTHS, effort):
        network = Network((256, width, width, 10), 64)
        yield "width", width, network, rows_for(network, effort)
    for rows in thinned(ROWS, effort):
        if rows <= 5 * effort.rows:
            yield "rows", rows, Network((64, 100, 10), 32), rows


def run(peers: Sequence[Peer], effort: Effort, peak: float, threads: int) -> list[dict[str, Any]]:
    results = []
    print("microseconds per sample (best of the rounds), and picaflor's part of the limit")
    for what, value, network, rows in series(effort):
        result = measure(network, "sgd", rows, peers, effort)
        ours = result["rivals"][OURS]
        fraction = ours["gflops"] / (peak * threads)
        costs = {name: 1e6 / f["samples_per_second"] for name, f in result["rivals"].items()}
        print(
            f"{what:<8}{value:>7}{100 * fraction:>7.1f}%  "
            + "  ".join(f"{name} {cost:.3f}" for name, cost in costs.items()),
            flush=True,
        )
        results.append(result | {"what": what, "value": value, "fraction": fraction})
    results += thread_series(effort)
    return results


def thread_series(effort: Effort) -> list[dict[str, Any]]:
    """Race one network against itself with 1, 2, 4, ... threads, on all CPUs there are."""
    pinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if pinned is not None:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        cpus = len(os.sched_getaffinity(0))
    else:
        cpus = os.cpu_count() or 1
    counts = sorted({1, 2, *(2**k for k in range(2, 8) if 2**k <= cpus), cpus})
    results = []
    for network in TRAINED[:2] if effort.name == "smoke" else TRAINED:
        task = problem(network, "sgd", rows_for(network, effort))
        [peer] = [_picaflor()]
        train = peer.trainer(task)
        assert train is not None
        train(False)

        def epoch(count: int, train: Any = train) -> None:
            with pf.use_threads(count):
                train(True)

        calls = {
            OURS if count == 1 else f"{OURS} {count}": (lambda count=count: epoch(count))
            for count in counts
        }
        rivals = summary(race(calls, effort.rounds))
        for count, figures in zip(counts, rivals.values(), strict=True):
            figures["samples_per_second"] = len(task.x) / figures["best"]
            figures["speedup"] = 1 / figures["ratio"]
            results.append(
                {"what": "threads", "value": count, "network": network.name}
                | {"batch": network.batch, "rivals": {OURS: figures}}
            )
        print(
            f"threads {network.name:<18} batch {network.batch:<5}"
            + "".join(
                f"{count:>4}: {figures['speedup']:.2f}x"
                for count, figures in zip(counts, rivals.values(), strict=True)
            ),
            flush=True,
        )
    if pinned is not None:
        os.sched_setaffinity(0, pinned)
    return results


def _picaflor() -> Peer:
    from peers.picaflor_peer import Picaflor

    return Picaflor()
