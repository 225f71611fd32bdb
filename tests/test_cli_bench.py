"""The two commands that measure: `picaflor demo` and `picaflor bench`."""

from __future__ import annotations

import json
import re

import pytest

from picaflor.cli import main


def test_demo_reaches_97_percent(capsys):
    code = main(["demo"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert float(out.split("test accuracy ")[1].split()[0]) >= 97
    assert "NumPy, by hand" in out
    assert "times as fast as NumPy here" in out


@pytest.mark.slow
def test_bench_json(capsys):
    code = main(["bench", "--quick", "--json"])
    out, _ = capsys.readouterr()
    assert code == 0
    report = json.loads(out)
    assert report["dtype"] == "float32"
    assert {line["what"] for line in report["kernels"]} >= {"sigmoid", "Adam.apply"}
    assert "784-256-10" in {line["what"] for line in report["training"]}
    for line in report["kernels"] + report["training"]:
        assert min(line["picaflor"], line["numpy"], line["ratio"]) > 0


def test_bench_table(capsys):
    code = main(["bench", "--quick", "--only", "kernels"])
    out, _ = capsys.readouterr()
    assert code == 0
    assert "training" not in out
    assert len(re.findall(r"^\S+.* us .* us +[0-9.]+x$", out, re.MULTILINE)) == 8
