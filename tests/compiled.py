"""Programs in C++ that test what Python does not see (tests/cpp)."""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNTIME = ["cpp/src/runtime/cpus.cpp", "cpp/src/runtime/parallel.cpp"]


def compile_and_run(
    name: str,
    folder: pathlib.Path,
    flags: Sequence[str],
    sources: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> None:
    """Compile tests/cpp/`name`.cpp with `sources` and run it: it prints what is wrong."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None or os.name != "posix":
        pytest.skip("needs a C++ compiler called c++, or CXX, on a POSIX system")
    program = folder / name
    build = [compiler, "-std=c++20", "-pthread", "-Icpp/include", "-Icpp/src", *flags]
    build += [f"tests/cpp/{name}.cpp", *sources, "-o", str(program)]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    if built.returncode != 0 and "cannot find" in built.stderr and "san" in built.stderr:
        pytest.skip("the compiler has no library of this sanitizer")
    assert built.returncode == 0, built.stderr
    run = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
