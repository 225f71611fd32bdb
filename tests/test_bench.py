"""The benchmark harness runs: every suite at its smallest, with NumPy as the only peer."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import pytest

import picaflor as pf

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ("train", "infer", "kernels", "footprint", "scaling")

pytestmark = pytest.mark.slow


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: the harness pins threads and CPUs before NumPy is imported.
    package = pathlib.Path(pf.__file__).resolve().parents[1]
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, str(ROOT / "bench" / "run.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )


@functools.cache
def report_of(suite: str) -> tuple[dict[str, Any], str]:
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "report.json"
        done = bench("--suite", suite, "--smoke", "--peers", "numpy", "--json", str(file))
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(file.read_text()), done.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_suite(suite: str) -> None:
    report, printed = report_of(suite)
    assert f"-- {suite}" in printed
    assert report["versions"]["picaflor"] == pf.__version__
    assert report["threads"] == 1
    assert report["peak_gflops"] > 0
    results = report["suites"][suite]
    assert results
    if suite == "footprint":
        ours = next(result for result in results if result["name"] == "picaflor")
        assert 0 < ours["import_seconds"] < 5
        assert ours["installed_bytes"] > 100_000
        if sys.platform == "linux":
            # weights, gradients and a workspace: 784-256-10 has 0.8 MB of weights
            assert 1e6 < ours["training_bytes"] < 20e6
        return
    for result in results:
        for name, figures in result["rivals"].items():
            assert figures["best"] > 0, (result, name)
        if result.get("what") != "threads" and result.get("kernel") != "gelu":  # that is SciPy's
            assert "numpy" in result["rivals"]


def test_training_is_measured_against_the_limit() -> None:
    report, _ = report_of("train")
    results = report["suites"]["train"]
    assert len(results) == 16
    first = results[0]
    assert (first["network"], first["batch"], first["optimizer"]) == ("784-30-10", 10, "sgd")
    # forward 2 (784 30 + 30 10), weight gradients as much, data gradient of the last layer
    flops = 2 * 2 * (784 * 30 + 30 * 10) + 2 * 30 * 10
    assert first["limit"] == pytest.approx(report["peak_gflops"] * 1e9 / flops)
    rate = first["rivals"]["picaflor"]["samples_per_second"]
    assert first["fraction"] == pytest.approx(rate / first["limit"])
    assert first["rows"] % 10 == 0
    assert first["ratio"] == first["rivals"]["numpy"]["ratio"]


@pytest.mark.parametrize("suite", SUITES)
def test_plot(suite: str, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("matplotlib", reason="draws pictures")
    report, _ = report_of(suite)
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        from plots import draw
    finally:
        sys.path.remove(str(ROOT / "bench"))
    picture = tmp_path / "picture.png"
    draw(suite, report["suites"][suite], report, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_results_that_do_not_agree_are_not_timed(capsys: pytest.CaptureFixture[str]) -> None:
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        from suite_kernels import those_that_agree
    finally:
        sys.path.remove(str(ROOT / "bench"))
    calls = {
        "picaflor": lambda: ([1.0], [2.0]),
        "same": lambda: ([1.0], [2.0]),
        "off": lambda: ([1.0], [2.1]),
        "nan": lambda: ([1.0], [float("nan")]),
    }
    assert list(those_that_agree("sum", calls, 1e-6)) == ["picaflor", "same"]
    said = capsys.readouterr().out
    assert "sum: off is 5.0e-02 of the largest element off, and left out" in said
    assert "sum: nan is" in said
    assert list(those_that_agree("step", {"picaflor": tuple, "other": tuple}, 0)) == [
        "picaflor",
        "other",
    ]


def test_peers_that_are_not_installed_are_named_and_left_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    done = bench("--suite", "footprint", "--smoke", "--peers", "torch")
    assert done.returncode == 0, done.stderr
    assert "torch is left out: no torch here" in done.stdout


def test_unknown_peers_are_refused() -> None:
    done = bench("--peers", "numpy,abacus")
    assert done.returncode == 2
    assert "no such peer: abacus" in done.stderr
