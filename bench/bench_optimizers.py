"""How fast is one optimizer step on all parameters: picaflor, NumPy, and PyTorch where it is there.

    python bench/bench_optimizers.py [--rule adam] [--sizes 10000,1000000] [--threads 1] [--json F]

The results are checked against each other first. Rivals take turns, and the best of the rounds
counts. GB/s is what the rule must read and write at least: for Adam seven numbers per parameter.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable

import numpy as np

import picaflor as pf

TRAFFIC = {"sgd": 3, "momentum": 5, "adam": 7}  # numbers read and written per parameter


def numpy_adam(w, g, m, v, t, rate=1e-3, b1=0.9, b2=0.999, epsilon=1e-7) -> None:
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g * g
    factor = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
    w -= np.float32(factor) * m / (np.sqrt(v) + np.float32(epsilon))


def numpy_step(rule: str, w, g) -> Callable[[], None]:
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0

    def adam() -> None:
        nonlocal t
        t += 1
        numpy_adam(w, g, m, v, t)

    def sgd() -> None:
        np.subtract(w, np.float32(1e-3) * g, out=w)

    def momentum() -> None:
        np.multiply(m, np.float32(0.9), out=m)
        np.subtract(m, np.float32(1e-3) * g, out=m)
        np.add(w, m, out=w)

    return {"adam": adam, "sgd": sgd, "momentum": momentum}[rule]


def picaflor_step(rule: str, w, g) -> Callable[[], None]:
    optimizer = {
        "adam": lambda: pf.optimizers.Adam(1e-3),
        "sgd": lambda: pf.optimizers.SGD(1e-3),
        "momentum": lambda: pf.optimizers.SGD(1e-3, momentum=0.9),
    }[rule]()
    return lambda: optimizer.apply([g], [w])


def torch_step(rule: str, w, g, threads: int) -> Callable[[], None] | None:
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    parameter = torch.nn.Parameter(torch.from_numpy(w))
    parameter.grad = torch.from_numpy(g)
    optimizer = {
        "adam": lambda p: torch.optim.Adam(p, 1e-3, eps=1e-7, fused=True),
        "sgd": lambda p: torch.optim.SGD(p, 1e-3, fused=True),
        "momentum": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9, fused=True),
    }[rule]([parameter])
    return lambda: optimizer.step()


def measure(rule: str, n: int, threads: int) -> dict[str, float]:
    """Seconds per step of every rival, the best of several turns."""
    rng = np.random.default_rng(n)
    g = rng.normal(size=n).astype(np.float32)
    start = rng.normal(size=n).astype(np.float32)
    weights = {name: start.copy() for name in ("picaflor", "numpy", "torch")}
    steps = {
        "picaflor": picaflor_step(rule, weights["picaflor"], g),
        "numpy": numpy_step(rule, weights["numpy"], g),
        "torch": torch_step(rule, weights["torch"], g, threads),
    }
    steps = {name: step for name, step in steps.items() if step is not None}
    for step in steps.values():
        step()
    for name in steps:
        worst = float(np.abs(weights[name] - weights["picaflor"]).max())
        if not worst < 1e-5:
            raise SystemExit(f"{name} and picaflor differ by {worst} after one step of {rule}")
    repeats = max(1, 3_000_000 // n)
    best = dict.fromkeys(steps, np.inf)
    for _ in range(9):
        for name, step in steps.items():
            begin = time.perf_counter()
            for _ in range(repeats):
                step()
            best[name] = min(best[name], (time.perf_counter() - begin) / repeats)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule", choices=sorted(TRAFFIC), default="adam")
    parser.add_argument("--sizes", default="10000,1000000,20000000")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    pf.set_num_threads(arguments.threads)
    print(
        f"{arguments.rule}, float32, {arguments.threads} thread(s), level "
        f"{pf._core.isa_level()}, {platform.processor() or platform.machine()}"
    )
    results = []
    for n in map(int, arguments.sizes.split(",")):
        best = measure(arguments.rule, n, arguments.threads)
        for name, seconds in best.items():
            speed = TRAFFIC[arguments.rule] * 4 * n / seconds / 1e9
            ratio = seconds / best["picaflor"]
            print(f"{n:>10} {name:>9} {seconds * 1e6:>10.1f} us {speed:>6.1f} GB/s {ratio:>6.2f}x")
            results.append({"n": n, "name": name, "seconds": seconds, "gb_per_s": speed})
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(
                {"rule": arguments.rule, "threads": arguments.threads, "results": results}, file
            )


if __name__ == "__main__":
    main()
