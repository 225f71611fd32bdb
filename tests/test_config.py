"""Instruction-set levels, thread settings and what show_config prints."""

import importlib.util
import os
import pathlib
import platform
import re
import subprocess
import sys
import threading

import pytest

import picaflor as pf
from picaflor import _core

X86 = platform.machine().lower() in ("x86_64", "amd64")
LEVELS = ["x86-64-v4", "x86-64-v3", "x86-64-v2", "baseline"]  # the highest first


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("level", _core.isa_levels())
def test_every_runnable_level_can_be_forced(level: str) -> None:
    run = python("from picaflor import _core; print(_core.isa_level())", PICAFLOR_ISA=level)
    assert run.stdout.strip() == level, run.stderr


@pytest.mark.parametrize("level", ["x86-64-v9", "avx2", "v3", "X86-64-V3"])
def test_unknown_level_is_an_import_error_that_lists_the_levels(level: str) -> None:
    run = python("import picaflor", PICAFLOR_ISA=level)
    assert run.returncode == 1
    expected = (
        f"ImportError: PICAFLOR_ISA={level} is not an instruction-set level of this build; "
        f"levels that run here: {', '.join(_core.isa_levels())}"
    )
    assert run.stderr.strip().endswith(expected)


def test_level_without_being_forced_is_the_highest() -> None:
    run = python("from picaflor import _core; print(_core.isa_level())", PICAFLOR_ISA="")
    assert run.stdout.strip() == _core.isa_levels()[0]
    assert _core.isa_levels() == sorted(_core.isa_levels(), key=LEVELS.index)


@pytest.mark.skipif(
    not (X86 and sys.platform == "linux"), reason="compares with the Linux kernel's report"
)
def test_detected_levels_agree_with_the_kernel() -> None:
    flags = set(
        re.findall(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[0].split()
    )
    needs = {
        "x86-64-v2": {"pni", "ssse3", "cx16", "sse4_1", "sse4_2", "popcnt", "lahf_lm"},
        "x86-64-v3": {"fma", "movbe", "avx", "f16c", "bmi1", "avx2", "bmi2", "abm"},
        "x86-64-v4": {"avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"},
    }
    expected = []
    for level, wanted in needs.items():
        if not wanted <= flags:
            break
        expected.append(level)
    # A build may leave levels out, never add one that the CPU lacks.
    assert set(_core.isa_levels()) <= {*expected, "baseline"}


def test_show_config_prints_what_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pf.use_threads(3):
        pf.show_config()
    out = capsys.readouterr().out
    assert out.startswith(f"picaflor {pf.__version__}\n")
    lines = dict(re.findall(r"^  ([\w ]+): +(.+)$", out, re.M))
    assert lines["instruction set"] == _core.isa_level()
    assert lines["runnable here"].split(", ") == _core.isa_levels()
    assert lines["threads"].startswith("3 (")
    assert lines["Eigen"].startswith(("3.4.", "5."))
    assert set(lines) >= {"compiler", "pybind11", "Python"}


def test_version_is_that_of_the_installed_package() -> None:
    from importlib.metadata import version

    assert pf.__version__ == version("picaflor")


def test_set_num_threads_is_what_get_num_threads_says() -> None:
    before = pf.get_num_threads()
    try:
        for n in (1, 5, 256):
            pf.set_num_threads(n)
            assert pf.get_num_threads() == n
    finally:
        pf.set_num_threads(before)


@pytest.mark.parametrize("n", [0, -1, 257])
def test_thread_count_out_of_range_is_refused(n: int) -> None:
    before = pf.get_num_threads()
    message = re.escape(f"n must be a number of threads from 1 to 256, got {n}")
    with pytest.raises(ValueError, match=message):
        pf.set_num_threads(n)
    with pytest.raises(ValueError, match=message), pf.use_threads(n):
        pass
    assert pf.get_num_threads() == before


@pytest.mark.parametrize(
    ("n", "name"), [(2.0, "float"), ("2", "str"), (None, "NoneType"), (True, "bool")]
)
def test_thread_count_must_be_an_integer(n: object, name: str) -> None:
    with pytest.raises(TypeError, match=f"n must be an int, got {name}"):
        pf.set_num_threads(n)  # type: ignore[arg-type]


def test_use_threads_nests_and_belongs_to_its_thread() -> None:
    before = pf.get_num_threads()
    seen = []
    with pf.use_threads(7):
        with pf.use_threads(2):
            assert pf.get_num_threads() == 2
        assert pf.get_num_threads() == 7
        other = threading.Thread(target=lambda: seen.append(pf.get_num_threads()))
        other.start()
        other.join()
    assert seen == [before]
    assert pf.get_num_threads() == before
    with pytest.raises(RuntimeError), pf.use_threads(9):
        raise RuntimeError
    assert pf.get_num_threads() == before


GROUP_FILES = [
    # version 2, the group itself
    ("0::/a/b\n", {"a/b/cpu.max": "150000 100000"}, 1.5),
    # a group above it grants less
    ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "400000 100000"}, 0.5),
    ("0::/a/b\n", {"a/b/cpu.max": "max 100000"}, float("inf")),
    # inside a container: the namespace's root, or a path of the host that is not there
    ("0::/\n", {"cpu.max": "200000 100000"}, 2.0),
    ("0::/docker/123\n", {"cpu.max": "200000 100000"}, 2.0),
    # version 1
    (
        "5:cpu,cpuacct:/a\n1:memory:/m\n",
        {"cpu,cpuacct/a/cpu.cfs_quota_us": "300000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
        3.0,
    ),
    (
        "5:cpu:/a\n",
        {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
        float("inf"),
    ),
    (
        "5:cpuset:/a\n",
        {"cpuset/a/cpu.cfs_quota_us": "1", "cpuset/a/cpu.cfs_period_us": "1"},
        float("inf"),
    ),
    # nothing, and nonsense
    ("", {}, float("inf")),
    ("nonsense\n0::/a\n", {"a/cpu.max": "x y"}, float("inf")),
]


@pytest.mark.parametrize(("groups", "files", "expected"), GROUP_FILES)
def test_control_group_quota(
    tmp_path: pathlib.Path, groups: str, files: dict[str, str], expected: float
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert _core.cgroup_cpus(groups, str(tmp_path)) == expected


def test_import_does_not_load_what_is_not_needed() -> None:
    # Everything else is imported on first use: `import picaflor` stays a matter of milliseconds.
    code = (
        "import sys, numpy; before = set(sys.modules); import picaflor; "
        "print(*sorted(m for m in set(sys.modules) - before))"
    )
    loaded = python(code).stdout.split()
    assert "picaflor._core" in loaded
    heavy = {
        "matplotlib",
        "pandas",
        "scipy",
        "sklearn",
        "tqdm",
        "urllib.request",
        "importlib.metadata",
    }
    assert not heavy & set(loaded)
    assert not {m for m in loaded if m.startswith(("picaflor.models", "picaflor.datasets"))}


def test_sequential_does_not_load_what_only_some_models_need() -> None:
    # What site-packages' .pth files or NumPy have loaded before does not count.
    code = (
        "import sys, numpy; before = set(sys.modules); import picaflor; picaflor.Sequential; "
        "print(*sorted(m for m in set(sys.modules) - before))"
    )
    loaded = set(python(code).stdout.split())
    assert "picaflor.models" in loaded
    lazy = {"numpy.typing", "numpy.random", "dataclasses", "csv", "json", "random", "platform"}
    assert not loaded & {*lazy, "picaflor.metrics", "picaflor.reference", "picaflor.datasets"}


def test_public_names_can_be_had() -> None:
    for name in pf.__all__:
        if name == "sklearn" and importlib.util.find_spec("sklearn") is None:
            with pytest.raises(ImportError, match=r'pip install "picaflor\[sklearn\]"'):
                getattr(pf, name)
        else:
            assert getattr(pf, name) is not None
    assert set(pf.__all__) <= set(dir(pf))
    with pytest.raises(AttributeError, match="module 'picaflor' has no attribute 'nonsense'"):
        pf.nonsense  # noqa: B018
