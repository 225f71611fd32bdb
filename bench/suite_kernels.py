"""Kernels: `picaflor.functional` and one optimizer step, each compared and then timed.

Functions with ``out=`` write into an array made before, everyone's; softmax and its kin return a
new array, everyone's. GB/s counts what must be read and written at least. Whose result is not
picaflor's is not timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from effort import Effort
from peers.base import Peer
from timing import OURS, against_best, geometric_mean, race, summary

ELEMENTWISE = ("relu", "sigmoid", "tanh", "gelu", "silu", "elu", "softplus")
ROWWISE = ("softmax", "log_softmax")
COLUMNS = (10, 100, 1000)  # of the softmax; and all in one row
DENSE = (  # rows, inputs, outputs
    (1, 20, 64),
    (1, 784, 256),
    (10, 30, 10),
    (10, 784, 30),
    (32, 20, 64),
    (32, 784, 256),
    (64, 784, 256),
    (200, 784, 128),
    (128, 784, 512),
    (97, 1025, 255),
    (256, 1024, 1024),
)
CROSS_ENTROPY = ((64, 10), (1024, 1000))
TRAFFIC = {"sgd": 3, "momentum": 5, "adam": 7}  # numbers read and written per parameter

# kernel, shape, dtype, unit, work of one call in that unit, rivals, how far results may differ
Case = tuple[str, str, str, str, float, dict[str, Callable[[], Any]], float]


def run(peers: Sequence[Peer], effort: Effort, peak: float, threads: int) -> list[dict[str, Any]]:
    results = []
    print(
        f"{'kernel':<24}{'shape':<17}{'dtype':<9}{'us':>11}{'':>15}   ratio to the best, and to all"
    )
    for kernel, shape, dtype, unit, work, calls, tolerance in cases(peers, effort):
        calls = those_that_agree(f"{kernel} {shape} {dtype}", calls, tolerance)
        # Many short turns: one that is shorter than a slice of the scheduler may go undisturbed.
        rivals = summary(race(calls, 5 * effort.rounds, effort.seconds / 5))
        peer, ratio = against_best(rivals)
        rate = work / rivals[OURS]["best"] / 1e9
        others = ", ".join(f"{n} {f['ratio']:.2f}" for n, f in rivals.items() if n != OURS)
        print(
            f"{kernel:<24}{shape:<17}{dtype:<9}{rivals[OURS]['best'] * 1e6:>11.2f}"
            f"{rate:>8.1f} {unit:<8}" + (f"{ratio:>6.2f}   ({others})" if peer else ""),
            flush=True,
        )
        results.append(
            {"kernel": kernel, "shape": shape, "dtype": dtype, "unit": unit, "rate": rate}
            | {"rivals": rivals, "best_peer": peer, "ratio": ratio}
        )
    for kernel in dict.fromkeys(result["kernel"] for result in results):
        ratios = [r["ratio"] for r in results if r["kernel"] == kernel and r["best_peer"]]
        if ratios:
            print(
                f"{kernel:<24}geometric mean {geometric_mean(ratios):.2f}, lowest {min(ratios):.2f}"
            )
    return results


def those_that_agree(
    what: str, calls: dict[str, Callable[[], Any]], tolerance: float
) -> dict[str, Callable[[], Any]]:
    """Return the calls whose result is picaflor's, within `tolerance` of its largest element.

    Say who is left out.
    """

    def arrays(result: Any) -> list[Any]:
        parts = result if isinstance(result, tuple) else (result,)
        return [np.asarray(part, dtype=np.float64) for part in parts]

    expected = [part.copy() for part in arrays(calls[OURS]())]
    agreeing = {}
    for name, call in calls.items():
        distances = [
            np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)
            for a, b in zip(arrays(call()), expected, strict=True)
        ]
        apart = np.max(distances, initial=0.0)
        if apart <= tolerance:
            agreeing[name] = call
        else:
            print(f"{what}: {name} is {apart:.1e} of the largest element off, and left out")
    if OURS not in agreeing:
        raise SystemExit(f"{what}: picaflor's result has a NaN")
    return agreeing


def cases(peers: Sequence[Peer], effort: Effort) -> Iterator[Case]:
    yield from elementwise_cases(peers, effort)
    yield from cross_entropy_cases(peers)
    yield from dense_cases(peers, effort)
    yield from step_cases(peers, effort)


def elementwise_cases(peers: Sequence[Peer], effort: Effort) -> Iterator[Case]:
    rng = np.random.default_rng(4)
    sizes = [n for n in (10**k for k in range(3, 8)) if n <= effort.largest]
    if effort.name == "quick":
        sizes = sizes[::3]  # 1e3 and 1e6
    shapes = [(n,) for n in sizes]
    columns = COLUMNS if effort.name == "full" else COLUMNS[1:2]
    batches = [(n // c, c) for n in sizes for c in columns]
    batches += [(1, n) for n in sizes if n > 1000 and effort.name == "full"]
    for kernel in (*ELEMENTWISE, *ROWWISE):
        for dtype in ("float32", "float64"):
            for shape in shapes if kernel in ELEMENTWISE else batches:
                x = (3 * rng.standard_normal(shape)).astype(dtype)
                calls: dict[str, Callable[[], Any]] = {}
                for peer in peers:
                    calls |= peer.elementwise(kernel, x)
                tolerance = 1e-5 if dtype == "float32" else 1e-12
                label = "x".join(map(str, shape))
                yield kernel, label, dtype, "GB/s", 2 * x.nbytes, calls, tolerance


def cross_entropy_cases(peers: Sequence[Peer]) -> Iterator[Case]:
    rng = np.random.default_rng(5)
    for n, c in CROSS_ENTROPY:
        scores = (2 * rng.standard_normal((n, c))).astype(np.float32)
        ids = rng.integers(0, c, n)
        made = {peer.name: peer.cross_entropy(scores, ids) for peer in peers}
        calls = {name: call for name, call in made.items() if call is not None}
        work = 2 * scores.nbytes
        yield "softmax_cross_entropy", f"{n}x{c}", "float32", "GB/s", work, calls, 1e-5


def dense_cases(peers: Sequence[Peer], effort: Effort) -> Iterator[Case]:
    rng = np.random.default_rng(6)
    for n, d, m in DENSE[:4] if effort.name == "smoke" else DENSE:
        x, w, b, dy = (
            rng.standard_normal(shape).astype(np.float32) for shape in ((n, d), (d, m), m, (n, m))
        )
        for direction, products in (("forward", 1), ("backward", 2)):
            calls = {}
            for peer in peers:
                ways = peer.dense(x, w, b, dy)
                if ways:
                    calls[peer.name] = ways[direction]
            work = products * 2.0 * n * d * m
            yield f"dense_{direction}", f"{n}x{d}x{m}", "float32", "GFLOP/s", work, calls, 1e-4


def step_cases(peers: Sequence[Peer], effort: Effort) -> Iterator[Case]:
    rng = np.random.default_rng(7)
    sizes = [n for n in (10**4, 10**6, 2 * 10**7) if n <= max(2 * effort.largest, 10**4)]
    for rule, traffic in TRAFFIC.items():
        for n in sizes:
            # Away from 0, where Keras's epsilon and PyTorch's, added after the correction of the
            # moments, are not the same thing.
            g = (rng.choice([-1, 1], n) * rng.uniform(0.1, 1, n)).astype(np.float32)
            start = rng.standard_normal(n).astype(np.float32)
            calls: dict[str, Callable[[], Any]] = {}
            for peer in peers:
                w = start.copy()
                step = peer.step(rule, w, g)
                if step is None:
                    continue
                step()
                if peer.name == OURS:
                    expected = w.copy()
                elif not np.abs(w - expected).max() < 1e-5:
                    raise SystemExit(f"{rule}: one step of {peer.name} is not picaflor's")
                calls[peer.name] = lambda step=step: (step(), None)[1:0]  # nothing to compare
            yield f"{rule} step", str(n), "float32", "GB/s", 4.0 * traffic * n, calls, 0
