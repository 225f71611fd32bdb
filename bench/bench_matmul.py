"""The products of a dense layer against NumPy and against the core's measured peak.

    python bench/bench_matmul.py [--threads 1] [--dtype float32] [--seconds 0.3] [--json FILE]

Results are checked before they are timed.  Rivals alternate; each figure is the fastest of its
runs, since every disturbance only adds time.  The peak is the best that a product reaches whose
operands stay in the first-level cache, measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from typing import Any

SHAPES = [  # rows, inputs, outputs
    (1, 20, 64),
    (1, 784, 256),
    (10, 30, 10),
    (10, 784, 30),
    (32, 20, 64),
    (10, 784, 32),
    (32, 784, 256),
    (64, 784, 256),
    (200, 784, 128),
    (128, 784, 512),
    (97, 1025, 255),
    (256, 1024, 1024),
]


def fastest(calls: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Seconds of each call at its best, the calls taking turns."""
    repeats, best = {}, dict.fromkeys(calls, float("inf"))
    for name, call in calls.items():
        start = time.perf_counter()
        call()
        repeats[name] = max(1, int(1e-3 / (time.perf_counter() - start)))
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end:
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / repeats[name])
    return best


def cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(": ")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def rivals(product: str, x: Any, w: Any, bias: Any, dy: Any) -> dict[str, Callable[[], Any]]:
    """Both ways to the result of a product."""
    from picaflor import functional as F

    if product == "forward":
        return {"picaflor": lambda: F.dense_forward(x, w, bias), "numpy": lambda: x @ w + bias}
    return {
        "picaflor": lambda: F.dense_backward(dy, x, w),
        "numpy": lambda: (dy @ w.T, x.T @ dy, dy.sum(axis=0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--seconds", type=float, default=0.3, help="per rival, product and shape")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy is imported
        os.environ[f"{library}_NUM_THREADS"] = str(arguments.threads)

    import numpy as np

    import picaflor as pf
    from picaflor import _core
    from picaflor import functional as F

    rng = np.random.default_rng(0)

    def random(*shape: int) -> Any:
        return rng.normal(size=shape).astype(arguments.dtype)

    pf.set_num_threads(1)
    a, b, out = random(120, 256), random(256, 16), random(120, 16)
    small = fastest({"peak": lambda: F.dense_forward(a, b, out=out)}, 1.0)["peak"]
    peak = 2 * a.size * b.shape[1] / small / 1e9
    pf.set_num_threads(arguments.threads)
    print(
        f"{cpu_name()}, {_core.isa_level()}, {arguments.dtype}, {arguments.threads} thread(s), "
        f"NumPy {np.__version__}; 120 x 256 x 16 on one core: {peak:.0f} GFLOP/s\n"
    )
    print("  rows x in x out  product        us  GFLOP/s  NumPy us  ratio")
    figures = []
    for n, d, m in SHAPES:
        x, w, bias, dy = random(n, d), random(d, m), random(m), random(n, m)
        for product, passes in (("forward", 1), ("backward", 2)):
            calls = rivals(product, x, w, bias, dy)
            for actual, expected in zip(*(call() for call in calls.values()), strict=True):
                tolerance = 100 * np.finfo(arguments.dtype).eps * np.abs(expected).max()
                np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)
            best = fastest(calls, arguments.seconds)
            gflops = passes * 2 * n * d * m / best["picaflor"] / 1e9
            print(
                f"{n:>5} x{d:>5} x{m:>5} {product:>8} {best['picaflor'] * 1e6:>9.2f} "
                f"{gflops:>8.1f} {best['numpy'] * 1e6:>9.2f} "
                f"{best['numpy'] / best['picaflor']:>6.2f}"
            )
            figures.append(
                {"rows": n, "inputs": d, "outputs": m, "product": product, "gflops": gflops}
                | {f"{name}_seconds": seconds for name, seconds in best.items()}
            )
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"cpu": cpu_name(), "peak_gflops": peak, "figures": figures}, file, indent=1)


if __name__ == "__main__":
    main()
