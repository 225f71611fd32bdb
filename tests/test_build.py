"""The compiled module: what it exports, and that the instruction-set levels are kept apart."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from picaflor import _core

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVELS = ("v2", "v3", "v4", "baseline")

needs_nm = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("nm") is None, reason="needs nm and ELF objects"
)


def nm(*arguments: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """(type, name) of the symbols that nm lists."""
    out = subprocess.run(["nm", *arguments], capture_output=True, text=True, check=True).stdout
    return [(m[1], m[2]) for m in re.finditer(r"^[0-9a-f ]* ([A-Za-z]) (\S+)$", out, re.M)]


@pytest.fixture(scope="module")
def build() -> pathlib.Path:
    """Folder of the CMake build whose objects are looked at."""
    forced = os.environ.get("PICAFLOR_BUILD_DIR")
    if forced:
        assert (pathlib.Path(forced) / "CMakeCache.txt").exists(), f"no build in {forced}"
        return pathlib.Path(forced)
    builds = sorted(ROOT.glob("build/*/CMakeCache.txt"), key=lambda p: p.stat().st_mtime)
    if not builds:
        pytest.skip("no build/*/CMakeCache.txt; PICAFLOR_BUILD_DIR may name another build folder")
    return builds[-1].parent


def level_objects(build: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    found = {
        level: sorted(build.glob(f"CMakeFiles/kernels_{level}.dir/**/*.o")) for level in LEVELS
    }
    found = {level: objects for level, objects in found.items() if objects}
    assert found, f"no kernel objects in {build}"
    return found


@needs_nm
def test_module_exports_its_init_function_only() -> None:
    symbols = nm("-D", "--defined-only", _core.__file__)
    assert [name for _, name in symbols] == ["PyInit__core"]


# T and W are functions, strong and weak; u and i are unique and indirect ones. Lower-case t is
# local to its object: the linker never takes one for another.
CODE = set("TWui")


@needs_nm
def test_levels_share_no_code_symbol(build: pathlib.Path) -> None:
    owner: dict[str, str] = {}
    objects = level_objects(build)
    objects["engine"] = sorted(build.glob("CMakeFiles/_core.dir/**/*.o"))
    assert objects["engine"]
    for level, files in objects.items():
        names = {
            name for file in files for kind, name in nm("--defined-only", file) if kind in CODE
        }
        assert names or level != "engine"
        shared = [(name, owner[name]) for name in names if name in owner]
        assert not shared, f"{level} defines what another level defines: {shared[:5]}"
        owner |= dict.fromkeys(names, level)


@needs_nm
def test_kernels_neither_allocate_nor_throw_nor_lock(build: pathlib.Path) -> None:
    forbidden = re.compile(
        r"^(malloc|calloc|realloc|free|posix_memalign|aligned_alloc|_Zn[wa].*|_Zd[la].*|__cxa_.*|_ZSt.*|"
        r"pthread_.*|_Unwind_.*|__gxx_personality.*|__tls_get_addr|getenv|printf|fopen)$"
    )
    if "-fsanitize" in (build / "CMakeCache.txt").read_text():
        pytest.skip("sanitizers add calls of their own")
    for level, files in level_objects(build).items():
        for file in files:
            used = [name for kind, name in nm("--undefined-only", file) if forbidden.match(name)]
            assert not used, f"kernels of level {level} use {used}"


def test_flags_do_not_depend_on_the_build_machine(build: pathlib.Path) -> None:
    recipe = (ROOT / "CMakeLists.txt").read_text()
    for word in (
        "native",
        "try_run",
        "check_cxx_source_runs",
        "cmake_host_system_information",
        "cpuinfo",
    ):
        assert word not in recipe.lower()
    ninja = build / "build.ninja"
    if not ninja.exists():
        pytest.skip("reads the flags from Ninja's build file")
    flags = re.findall(
        r"^build CMakeFiles/(\w+)\.dir/.*?\n(?: .*\n)*?  FLAGS = (.*)$", ninja.read_text(), re.M
    )
    assert {target for target, _ in flags} >= {"_core"}
    for target, line in flags:
        wanted = target.removeprefix("kernels_")
        march = re.findall(r"(?<!\S)-m(?!acosx)\S+", line)
        expected = [f"-march=x86-64-{wanted}"] if wanted in ("v2", "v3", "v4") else []
        assert march == expected, f"{target}: {line}"
        assert not re.search(r"-Ofast|-f(fast-math|finite-math|unsafe-math|associative-math)", line)
