"""Footprint: time to import, memory of training, size on disk; each in a process of its own."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import picaflor as pf
from effort import Effort
from peers.base import Peer

# Parts of picaflor are imported when first used, so the bare import says little.
STATEMENTS = {
    "picaflor": "from picaflor import Sequential, layers, optimizers",
    "torch": "import torch",
    "jax": "import jax.numpy",
    "sklearn": "import sklearn.neural_network",
    "onnxruntime": "import onnxruntime",
}
# What an installation brings along besides NumPy.
DISTRIBUTIONS = {
    "torch": ("torch", "sympy", "networkx", "mpmath", "jinja2", "fsspec", "filelock"),
    "jax": ("jax", "jaxlib", "ml_dtypes", "opt_einsum", "scipy"),
    "sklearn": ("scikit-learn", "scipy", "joblib", "threadpoolctl"),
    "onnxruntime": ("onnxruntime", "flatbuffers", "protobuf"),
}
IMPORT = "import time, numpy; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def run(peers: Sequence[Peer], effort: Effort, peak: float, threads: int) -> list[dict[str, Any]]:
    print(f"{'':<14}{'import, ms':>12}{'training, MB':>14}{'installed, MB':>15}")
    print(f"{'':<14}{'past numpy':>12}{'past the data':>14}{'without numpy':>15}")
    results = []
    for peer in peers:
        result = {
            "name": peer.name,
            "import_seconds": import_seconds(peer.name, effort),
            "training_bytes": training_bytes(peer.name, effort, threads),
            "installed_bytes": installed_bytes(peer.name),
        }
        seconds, memory, size = (
            result[f"{key}"] for key in ("import_seconds", "training_bytes", "installed_bytes")
        )
        print(
            f"{peer.name:<14}"
            + (f"{seconds * 1e3:>12.1f}" if seconds is not None else f"{'-':>12}")
            + (f"{memory / 1e6:>14.1f}" if memory is not None else f"{'-':>14}")
            + (f"{size / 1e6:>15.1f}" if size is not None else f"{'-':>15}"),
            flush=True,
        )
        results.append(result)
    bare = fastest_import("import picaflor", effort)
    print(f"import picaflor alone: {bare * 1e3:.1f} ms; above, with Sequential and its kin")
    results[0]["bare_import_seconds"] = bare
    return results


def child(*arguments: str) -> str:
    # Bytecode is kept, as whoever installs a library has it.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}:\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def import_seconds(name: str, effort: Effort) -> float | None:
    """Return the shortest of several fresh imports, after numpy's."""
    if name not in STATEMENTS:
        return None
    return fastest_import(STATEMENTS[name], effort)


def fastest_import(statement: str, effort: Effort) -> float:
    code = IMPORT.format(statement)
    child("-c", code)  # bytecode may have to be written
    return min(float(child("-c", code)) for _ in range(effort.rounds))


def training_bytes(name: str, effort: Effort, threads: int) -> int | None:
    """Return by how much the peak of training 784-256-10 is above what data and import take."""
    if name == "onnxruntime" or not os.path.exists("/proc/self/clear_refs"):
        return None
    script = str(pathlib.Path(__file__).with_name("training_memory.py"))
    return int(child(script, name, str(effort.rows), str(threads)))


def installed_bytes(name: str) -> int | None:
    """Return what the files of the library and of those it needs take, numpy's aside."""
    if name == "numpy":
        return None
    if name == "picaflor":
        files: list[Any] = list(pathlib.Path(pf.__file__).parent.rglob("*"))
    else:
        files = []
        for distribution in DISTRIBUTIONS[name]:
            try:
                listed = importlib.metadata.files(distribution) or []
            except importlib.metadata.PackageNotFoundError:
                continue  # not needed by the version that is installed
            files += [pathlib.Path(str(file.locate())) for file in listed]
    return sum(f.stat().st_size for f in files if f.is_file() and "__pycache__" not in f.parts)
