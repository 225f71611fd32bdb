"""Tuned kernels against plain versions, bit for bit: products and square roots (tests/cpp)."""

import importlib.util
import pathlib

import pytest

from compiled import compile_and_run
from picaflor import _core


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
    eigen = eigen_folder()
    if eigen is None:
        pytest.skip("needs Eigen's headers")
    level = _core.isa_level()
    short, flags = (level[-2:], [f"-march={level}"]) if level != "baseline" else (level, [])
    flags += ["-O1", "-ffp-contract=off", "-w", f"-DPICAFLOR_LEVEL={short}", "-isystem", str(eigen)]
    compile_and_run(name, tmp_path, flags)


@pytest.mark.slow
def test_level_of_a_product(tmp_path: pathlib.Path) -> None:
    compile_and_run("narrow_products", tmp_path, ["-O1"], ["cpp/src/narrow_products.cpp"])
