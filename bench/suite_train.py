"""Training: samples per second of whole epochs, shuffling and the mean loss included.

First every rival trains one epoch from the same weights over the same rows in the same order, and
must report the same mean loss; only then are epochs timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from effort import Effort
from networks import SPARSE, TRAINED, Network, Problem, problem
from peers.base import Epoch, Peer
from timing import OURS, against_best, geometric_mean, race, summary

# Float32 sums in another order differ in the last digits, which Adam makes larger where a gradient
# is almost zero.
TOLERANCE = {"sgd": 0.01, "adam": 0.02}


def rows_for(network: Network, effort: Effort) -> int:
    """Return rows whose matrix products are the effort's operations: at least 4 minibatches."""
    limit = effort.rows * (10 if network.sizes[0] < 100 else 1)
    return max(4 * network.batch, min(limit, int(effort.epoch_operations / network.flops)))


def trainers(task: Problem, peers: Sequence[Peer]) -> dict[str, Epoch]:
    """Return the rivals that can train it, after an epoch whose losses were compared."""
    epochs: dict[str, Epoch] = {}
    for peer in peers:
        epoch = peer.trainer(task)
        if epoch is not None:
            epochs[peer.name] = epoch
    losses = {name: epoch(False) for name, epoch in epochs.items()}
    for name, loss in losses.items():
        if not abs(loss - losses[OURS]) <= TOLERANCE[task.optimizer] * losses[OURS]:
            raise SystemExit(
                f"{task.network.name}, {task.optimizer}: {name} has a mean loss of {loss:.5g} in "
                f"the first epoch, picaflor {losses[OURS]:.5g}; not timed, as they do not agree"
            )
    return epochs


def measure(
    network: Network, optimizer: str, rows: int, peers: Sequence[Peer], effort: Effort
) -> dict[str, Any]:
    task = problem(network, optimizer, rows)
    epochs = trainers(task, peers)
    calls = {name: (lambda run=run: run(True)) for name, run in epochs.items()}
    rivals = summary(race(calls, effort.rounds))
    n = len(task.x)
    for figures in rivals.values():
        figures["samples_per_second"] = n / figures["best"]
        figures["gflops"] = n * network.flops / figures["best"] / 1e9
    peer, ratio = against_best(rivals)
    return {
        "network": network.name,
        "batch": network.batch,
        "zeros": network.zeros,
        "optimizer": optimizer,
        "rows": n,
        "rivals": rivals,
        "best_peer": peer,
        "ratio": ratio,
    }


def run(peers: Sequence[Peer], effort: Effort, peak: float, threads: int) -> list[dict[str, Any]]:
    names = [peer.name for peer in peers if peer.name not in (OURS, "onnxruntime")]
    print("thousand samples per second (best of the rounds); ratio: median over the rounds")
    print(
        f"{'network':<18}{'batch':>6} {'rule':<5}{'limit':>8}{'picaflor':>10}{'of limit':>10}"
        + "".join(f"{name:>9}" for name in names)
        + "   ratio to the best peer"
    )
    results = []
    for network in (*TRAINED, *SPARSE):
        for optimizer in ("sgd", "adam"):
            result = measure(network, optimizer, rows_for(network, effort), peers, effort)
            limit = peak * threads * 1e9 / network.flops
            result["limit"] = limit
            result["fraction"] = result["rivals"][OURS]["samples_per_second"] / limit
            results.append(result)
            print(line(result, names), flush=True)
    ratios = [r["ratio"] for r in results if r["best_peer"] and not r["zeros"]]
    if ratios:
        mean = geometric_mean(ratios)
        print(f"geometric mean of the ratios to the best peer, dense inputs: {mean:.2f}")
    return results


def line(result: dict[str, Any], names: Sequence[str]) -> str:
    rates = {name: f["samples_per_second"] / 1e3 for name, f in result["rivals"].items()}
    return (
        f"{result['network']:<18}{result['batch']:>6} {result['optimizer']:<5}"
        f"{result['limit'] / 1e3:>8.1f}{rates[OURS]:>10.1f}{100 * result['fraction']:>9.1f}%"
        + "".join(f"{rates[name]:>9.1f}" if name in rates else f"{'-':>9}" for name in names)
        + (f"   {result['ratio']:.2f} {result['best_peer']}" if result["best_peer"] else "")
    )
