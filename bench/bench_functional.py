"""Measure the activations and softmax of pf.functional against NumPy, SciPy and PyTorch.

    python bench/bench_functional.py [--sizes 1000,100000,10000000] [--json FILE]

One thread. Rivals take turns on the same data, each makes a new result array, and the best of many
runs counts. Figures are GB/s read plus written: one input and one output array.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import picaflor as pf
from picaflor import functional as F

Call = Callable[[npt.NDArray], Any]

SOFTMAX_COLUMNS = (10, 100, 1000)


def numpy_rivals() -> dict[str, Call]:
    """Return each function as it is written by hand in NumPy."""

    def softmax(x: npt.NDArray) -> npt.NDArray:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def log_softmax(x: npt.NDArray) -> npt.NDArray:
        shifted = x - x.max(axis=-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    return {
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "tanh": np.tanh,
        "relu": lambda x: np.maximum(x, 0),
        "silu": lambda x: x / (1 + np.exp(-x)),
        "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        "exponential": np.exp,
        "softmax": softmax,
        "log_softmax": log_softmax,
    }


def scipy_rivals() -> dict[str, Call]:
    """Return SciPy's functions, or nothing where SciPy is missing."""
    try:
        from scipy import special
    except ImportError:
        return {}
    return {
        "sigmoid": special.expit,
        "gelu": lambda x: x * special.ndtr(x),
        "softmax": lambda x: special.softmax(x, axis=-1),
        "log_softmax": lambda x: special.log_softmax(x, axis=-1),
    }


def torch_rivals() -> dict[str, Call]:
    """Return PyTorch's functions on tensors that share the arrays' memory, or nothing."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    f = torch.nn.functional
    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "silu": f.silu,
        "elu": f.elu,
        "softplus": f.softplus,
        "gelu": f.gelu,
        "exponential": torch.exp,
        "softmax": lambda t: torch.softmax(t, -1),
        "log_softmax": lambda t: torch.log_softmax(t, -1),
    }

    def on_tensor(function: Callable[[Any], Any]) -> Call:
        made: dict[int, Any] = {}  # the tensor is the rival's own kind of array: made once

        def call(x: npt.NDArray) -> Any:
            if id(x) not in made:
                made.clear()
                made[id(x)] = torch.from_numpy(x)
            return function(made[id(x)])

        return call

    return {name: on_tensor(function) for name, function in functions.items()}


def best_times(calls: dict[str, Call], x: npt.NDArray, seconds: float) -> dict[str, float]:
    """Best time of each call; the rivals alternate."""
    best = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call(x)
    end = time.perf_counter() + seconds * len(calls)
    repeat = max(1, 20_000 // x.size)
    rounds = 0
    while rounds < 5 or time.perf_counter() < end:
        rounds += 1
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeat):
                call(x)
            best[name] = min(best[name], (time.perf_counter() - start) / repeat)
    return best


def shapes(name: str, size: int) -> list[tuple[int, ...]]:
    """Shapes with about `size` elements."""
    if not name.endswith("softmax"):
        return [(size,)]
    return [(size // c, c) for c in SOFTMAX_COLUMNS if size // c > 0] + [(1, size)]


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000,1000000,10000000")
    parser.add_argument(
        "--functions", default="sigmoid,tanh,gelu,silu,softplus,elu,softmax,log_softmax"
    )
    parser.add_argument("--seconds", type=float, default=0.05, help="per rival and row")
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()

    pf.set_num_threads(1)
    rivals = {"numpy": numpy_rivals(), "scipy": scipy_rivals(), "torch": torch_rivals()}
    for name, functions in rivals.items():
        if not functions:
            print(f"{name} is not installed and left out")
    rng = np.random.default_rng(0)
    rows = []
    print(
        f"{'GB/s':12s} {'dtype':8s} {'shape':>16s}  picaflor" + "".join(f"{n:>9s}" for n in rivals)
    )
    for name in arguments.functions.split(","):
        for dtype in (np.float32, np.float64):
            for size in map(int, arguments.sizes.split(",")):
                for shape in shapes(name, size):
                    x = rng.normal(scale=3, size=shape).astype(dtype)
                    calls = {"picaflor": getattr(F, name)}
                    calls |= {n: f[name] for n, f in rivals.items() if name in f}
                    times = best_times(calls, x, arguments.seconds)
                    rates = {n: 2 * x.nbytes / t / 1e9 for n, t in times.items()}
                    peers = max((r for n, r in rates.items() if n != "picaflor"), default=np.nan)
                    columns = "".join(
                        f"{rates[n]:9.2f}" if n in rates else f"{'-':>9s}"
                        for n in ("picaflor", *rivals)
                    )
                    print(
                        f"{name:12s} {np.dtype(dtype).name:8s} {'x'.join(map(str, shape)):>16s} "
                        f"{columns}   {rates['picaflor'] / peers:5.2f}x the best peer",
                        flush=True,
                    )
                    rows.append(
                        {
                            "function": name,
                            "dtype": np.dtype(dtype).name,
                            "shape": shape,
                            "rates": rates,
                        }
                    )
    ratios = [
        r["rates"]["picaflor"] / max(v for n, v in r["rates"].items() if n != "picaflor")
        for r in rows
    ]
    print(f"geometric mean {np.exp(np.mean(np.log(ratios))):.2f}x, lowest {min(ratios):.2f}x")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "machine": platform.processor() or platform.machine(),
                    "level": pf._core.isa_level(),
                    "threads": 1,
                    "rows": rows,
                },
                file,
                indent=1,
            )


if __name__ == "__main__":
    main()
