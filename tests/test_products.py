"""Tuned kernels against plain versions, bit for bit: products and square roots (tests/cpp)."""

import importlib.util
import os
import pathlib
import shutil
import subprocess

import pytest

from picaflor import _core

ROOT = pathlib.Path(__file__).resolve().parent.parent


def eigen_folder() -> pathlib.Path | None:
    """Folder of Eigen's headers: the build requirement cmeel-eigen, or the system's."""
    cmeel = importlib.util.find_spec("cmeel")
    folders = [pathlib.Path("/usr/include/eigen3"), pathlib.Path("/usr/local/include/eigen3")]
    if cmeel is not None and cmeel.origin is not None:
        packages = pathlib.Path(cmeel.origin).parent.parent
        folders.insert(0, packages / "cmeel.prefix" / "include" / "eigen3")
    return next((folder for folder in folders if (folder / "Eigen" / "Core").exists()), None)


@pytest.mark.parametrize("name", ["products", "square_roots"])
def test_tuned_kernels_equal_the_plain_ones_bit_for_bit(name: str, tmp_path: pathlib.Path) -> None:
    compiler, eigen = shutil.which(os.environ.get("CXX", "c++")), eigen_folder()
    if compiler is None or eigen is None or os.name != "posix":
        pytest.skip(
            "needs a C++ compiler called c++, or CXX, and Eigen's headers on a POSIX system"
        )
    level = _core.isa_level()
    short, flags = (level[-2:], [f"-march={level}"]) if level != "baseline" else (level, [])
    program = tmp_path / name
    built = subprocess.run(
        [
            compiler,
            "-std=c++20",
            "-O1",
            "-ffp-contract=off",
            "-w",
            *flags,
            f"-DPICAFLOR_LEVEL={short}",
            "-Icpp/include",
            "-isystem",
            str(eigen),
            f"tests/cpp/{name}.cpp",
            "-o",
            str(program),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    run = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout
