"""The examples run offline, in seconds, and reach what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each one is a new process

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, *arguments: object) -> str:
    """Run an example as a user would, away from the source tree, and return what it prints."""
    environment = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "PICAFLOR_DATA_URL": "http://127.0.0.1:9",  # nobody listens: offline
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def number_after(text: str, words: str) -> float:
    match = re.search(re.escape(words) + r"\s*([-+0-9.e]+)", text)
    assert match, f"{words!r} is not in {text}"
    return float(match[1].rstrip("."))


def test_every_example_is_tested() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f'run("{path.name}"' in source, f"{path.name} has no test"


def test_gradient_descent() -> None:
    output = run("gradient_descent.py")
    # columns: optimizer, learning rate, steps, x
    assert re.search(r"^descent +0\.01 +\d+ +0\.01", output, re.MULTILINE), "rests on the flat step"
    assert re.search(r"^momentum 0\.7 +0\.01 +\d+ +-1\.125 ", output, re.MULTILINE)
    assert re.search(r"^Adam, tol=0 +0\.1 +\d+ +-1\.125 ", output, re.MULTILINE)
    assert re.search(r"^descent +0\.1 .*diverged", output, re.MULTILINE)


def test_perceptron() -> None:
    output = run("perceptron.py")
    for gate in ("AND", "OR", "NAND"):
        assert re.search(rf"^{gate} +wants (\[.*\]), gets \1: learnt", output, re.MULTILINE)
    assert re.search(r"^XOR .*not learnt", output, re.MULTILINE)
    assert "AND of the four inputs: [0 0 0 1]" in output
    assert "zero everywhere, so that descent cannot train it" in output.splitlines()[-1]


def test_backpropagation() -> None:
    output = run("backpropagation.py")
    for words, bound in (("by hand:", 1e-15), ("numerical:", 1e-8)):
        found = [float(v) for v in re.findall(rf"difference to {words} (\S+)", output)]
        assert len(found) == 2
        assert max(found) < bound


def test_optimizers_from_scratch() -> None:
    output = run("optimizers_from_scratch.py")
    # 60 steps of a few roundings each, of numbers up to 4
    found = [float(v) for v in re.findall(r"difference of the two paths (\S+)", output)]
    assert len(found) == 2
    assert max(found) < 1e-12


def test_moons() -> None:
    assert number_after(run("moons.py"), "cross-entropy") < 0.002


def test_digits() -> None:
    assert number_after(run("digits.py"), "test accuracy") >= 97


@pytest.mark.skipif(
    "not __import__('os').environ.get('PICAFLOR_DATA')", reason="needs PICAFLOR_DATA"
)
def test_digits_of_mnist() -> None:
    assert number_after(run("digits.py", "mnist"), "test accuracy") > 97


@pytest.mark.skipif(
    "not __import__('os').environ.get('PICAFLOR_DATA')", reason="needs PICAFLOR_DATA"
)
def test_mnist_98() -> None:
    assert number_after(run("mnist_98.py"), "test accuracy") >= 98


@pytest.mark.parametrize("name", ["gradient_descent", "optimizers_from_scratch", "moons"])
def test_examples_draw_pictures(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    picture = tmp_path / "picture.png"
    assert str(picture) in run(f"{name}.py", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
