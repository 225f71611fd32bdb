"""The machine: its name, how many threads and CPUs the rivals may use, and its measured peak."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import time
from typing import Any

# Read by NumPy's BLAS, by PyTorch's and ONNX Runtime's OpenMP and by picaflor when imported.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "PICAFLOR_NUM_THREADS",
)


def pin(threads: int) -> None:
    """Allow this process `threads` threads and CPUs; to be called before NumPy is imported.

    JAX takes no number of threads: it counts the CPUs that the process may use. So everyone gets
    the same ones, where the system can say so (Linux); elsewhere XLA is told to use one thread.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[-threads:])
    if threads == 1:
        os.environ["XLA_FLAGS"] = (
            os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
        )
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(": ")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def load_average() -> list[float] | None:
    """Return the load of the last 1, 5 and 15 minutes, which says how far to trust the figures."""
    return [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None


def describe(threads: int) -> dict[str, Any]:
    """Return what a figure must be published with."""
    import numpy as np

    import picaflor as pf

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        pf.show_config()
    rows = (line.split(":", 1) for line in printed.getvalue().splitlines() if ":" in line)
    config = {key.strip(): value.strip() for key, value in rows}
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "picaflor": pf.__version__,
        "numpy": np.__version__,
        "level": config["instruction set"],
        "compiler": config["compiler"],
        "threads": threads,
        "load_before": load_average(),
    }


def peak_gflops(dtype: str = "float32", seconds: float = 0.5) -> float:
    """Return what one core reaches in matrix products, the best of several ways to ask.

    A product with 256 x 16 weights keeps them in the first-level cache; what a call costs without
    work, measured with a product of 1 x 1 x 1, is taken off. NumPy's product counts if it is
    faster. The multiply-add units themselves can do a little more still: a fraction of this peak
    is a fraction of what a product was seen to reach, here and now.
    """
    import numpy as np

    import picaflor as pf

    rng = np.random.default_rng(0)
    shapes = ((1, 1, 1), (480, 256, 16), (256, 512, 256))
    operands = [
        (
            rng.random((n, d)).astype(dtype),
            rng.random((d, m)).astype(dtype),
            np.empty((n, m), dtype),
        )
        for n, d, m in shapes
    ]
    best = [float("inf")] * 4
    end = time.perf_counter() + seconds
    with pf.use_threads(1):
        while time.perf_counter() < end:
            for k, (a, b, out) in enumerate(operands):
                for _ in range(3 if k == 2 else 20):
                    start = time.perf_counter()
                    pf.functional.dense_forward(a, b, out=out)
                    best[k] = min(best[k], time.perf_counter() - start)
            start = time.perf_counter()
            np.dot(a, b, out=out)
            best[3] = min(best[3], time.perf_counter() - start)
    overhead, small, large, numpy_large = best
    operations = [2 * n * d * m for n, d, m in shapes]
    rates = [operations[1] / (small - overhead), operations[2] / (large - overhead)]
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":  # else it is the rate of several cores
        rates.append(operations[2] / numpy_large)
    return max(rates) / 1e9
