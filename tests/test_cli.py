"""The command line: in this process where possible, as a process where the shell matters."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import picaflor as pf
from picaflor.cli import main


@pytest.fixture(autouse=True)
def _same_threads():
    before = pf.get_num_threads()
    yield
    pf.set_num_threads(before)


@pytest.fixture
def run(capsys):
    """Call ``picaflor ARGUMENTS``; return exit code, standard output and standard error."""

    def call(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse
            code = stop.code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return call


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def call(text, name="data.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return call


@pytest.fixture
def model_path(tmp_path):
    """Return where a model can be saved."""
    pytest.importorskip("safetensors", reason="the save extra is not installed")
    return tmp_path / "model.safetensors"


def process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "picaflor", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


# ------------------------------------------------------------------------------------- the surface


@pytest.mark.parametrize("command", [[], ["demo"], ["train"], ["predict"], ["bench"], ["info"]])
def test_help_is_there_and_succeeds(run, command):
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: picaflor")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["trian"], "argument COMMAND: invalid choice: 'trian'"),
        (["train"], "the following arguments are required: DATA"),
        (["train", "data.csv"], "a CSV file needs --target NAME"),
        (["train", "."], "or a CSV file, and . is a folder; PICAFLOR_DATA names the folder"),
        (["train", "digits", "--target", "y"], "--target, --task and --drop are for CSV files"),
        (["train", "digits", "--hidden", "12,x"], "argument --hidden: expected whole numbers"),
        (["train", "digits", "--hidden", "12,0"], "argument --hidden: expected whole numbers"),
        (["train", "digits", "--epochs", "0"], "expected a whole number of at least 1, got '0'"),
        (["train", "digits", "--learning-rate", "nan"], "expected a number above 0, got 'nan'"),
        (["train", "digits", "--dropout", "1"], "expected a number from 0 to below 1, got '1'"),
        (["train", "digits", "--optimizer", "adma"], "invalid choice: 'adma'"),
        (["train", "digits", "-q", "-v"], "not allowed with argument"),
        (
            ["train", "digits", "--early-stopping", "--validation-split", "0"],
            "--early-stopping needs a --validation-split above 0",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("picaflor")
    assert err.count("\n") == 1


def test_info_is_show_config(run, capsys):
    code, out, _ = run("info")
    pf.show_config()
    assert (code, out) == (0, capsys.readouterr().out)


def test_version_needs_no_installed_metadata(run, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    code, out, _ = run("--version")
    assert (code, out) == (0, f"picaflor {pf.__version__}\n")


def test_version(run):
    code, out, _ = run("--version")
    assert (code, out) == (0, f"picaflor {pf.__version__}\n")


def test_module_and_script_are_the_same_command():
    done = process("--version")
    assert (done.returncode, done.stdout) == (0, f"picaflor {pf.__version__}\n")


# ---------------------------------------------------------------------------------- train, predict


@pytest.fixture
def flowers(write):
    """Three well separated classes, told by one number and one word; sorted by class."""
    rng = np.random.default_rng(0)
    lines = ["length,colour,ignored,species"]
    for k, (species, colour) in enumerate([("aster", "white"), ("rose", "red"), ("iris", "red")]):
        lines += [
            f"{1000 + 10 * k + rng.normal():.3f},{colour},x{k}-{i},{species}" for i in range(40)
        ]
    return write("\n".join(lines) + "\n")


def test_train_and_predict_classes(run, flowers, tmp_path, model_path):
    output = tmp_path / "out.csv"
    code, out, err = run(
        *("train", flowers, "--target", "species", "--drop", "ignored", "--save", model_path),
        *("--epochs", 60, "--hidden", "8", "--batch-size", 8),
    )
    assert (code, err) == (0, "")
    assert "108 rows to train on, 12 to validate; 3 inputs, 3 classes" in out
    assert "network 3-8-3, relu" in out
    assert "validation accuracy 1.0000 (12 rows)" in out
    assert f"saved to {model_path}" in out

    code, out, err = run("predict", model_path, flowers, "--output", output, "--proba")
    assert (code, out) == (0, "")
    assert err == "accuracy 1.0000 (120 rows)\n"
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["prediction", "p(aster)", "p(iris)", "p(rose)"]
    assert [row["prediction"] for row in rows] == 40 * ["aster"] + 40 * ["rose"] + 40 * ["iris"]
    for row in rows:
        assert sum(float(row[f"p({name})"]) for name in ("aster", "iris", "rose")) == pytest.approx(
            1, abs=1e-5
        )


def test_predict_takes_columns_by_name_and_needs_no_target(run, flowers, monkeypatch, model_path):
    train = ("train", flowers, "--target", "species", "--drop", "ignored", "--epochs", 60)
    assert run(*train, "--hidden", "8", "--batch-size", 8, "--save", model_path, "-q")[0] == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("colour\tlength\nred\t1020\nwhite\t1000\n"))
    code, out, err = run("predict", model_path, "-")
    assert (code, out, err) == (0, "prediction\niris\naster\n", "")

    monkeypatch.setattr(sys, "stdin", io.StringIO("colour,length\nblack,1020\n"))
    code, out, err = run("predict", model_path, "-")
    assert (code, out) == (1, "")
    assert "standard input line 2: column 'colour' has the value 'black'" in err
    monkeypatch.setattr(sys, "stdin", io.StringIO("colour\nred\n"))
    assert "has no column 'length'" in run("predict", model_path, "-")[2]
    monkeypatch.setattr(sys, "stdin", io.StringIO("colour,length\n"))
    assert run("predict", model_path, "-")[:2] == (0, "prediction\n")


def test_train_and_predict_a_number_of_any_size(run, write, model_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    y = 250_000 + 40_000 * x[:, 0] - 9_000 * x[:, 1]
    lines = [f"{a:.6f},{b:.6f},{c:.2f}" for (a, b), c in zip(x, y, strict=True)]
    path = write("rooms,noise,price\n" + "\n".join(lines) + "\n")
    code, out, _ = run(
        *("train", path, "--target", "price", "--hidden", "0", "--optimizer", "sgd"),
        *("--learning-rate", 0.1, "--epochs", 60, "--save", model_path),
    )
    assert code == 0
    assert "2 inputs, regression" in out
    assert "network 2-1" in out
    code, out, err = run("predict", model_path, path)
    predicted = np.array(out.splitlines()[1:], dtype=float)
    # a straight line is learnt to the rounding of float32 (6e-8 of 250 000 is 0.015)
    np.testing.assert_allclose(predicted, y, rtol=0, atol=5)
    assert "mean absolute error" in err
    assert "R2 1.0000" in err
    code, _, err = run("predict", model_path, path, "--proba")
    assert code == 2
    assert "--proba is for classes" in err


def test_task_can_be_forced(run, write):
    path = write("x,grade\n" + "".join(f"{k},{k % 5}\n" for k in range(40)))
    common = ("train", path, "--target", "grade", "--epochs", 1)
    assert "5 classes" in run(*common)[1]
    assert "regression" in run(*common, "--task", "regression")[1]


def test_missing_values_are_refused_or_left_out(run, write):
    path = write("x,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)) + ",1\n3,\n")
    code, _, err = run("train", path, "--target", "y")
    assert code == 1
    assert "line 23: the target 'y' has no value" in err or "line 22: column 'x'" in err
    code, out, _ = run("train", path, "--target", "y", "--missing", "drop", "--epochs", 1)
    assert code == 0
    assert "2 rows with missing values left out" in out


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("x,y\n1,a\n2,b\n", ["--target", "z"], "has no column 'z'; it has 'x', 'y'"),
        ("x,y\n1,a\n2,b\n", ["--target", "y", "--drop", "w"], "has no column 'w'"),
        ("x,y\n1,a\n2,b\n", ["--target", "y", "--drop", "x"], "no column to predict 'y' from"),
        ("x,y\n1,a\n2,b\n", ["--target", "y", "--drop", "y"], "can not be dropped"),
        ("x,y\n1,a\n2,a\n", ["--target", "y"], "has one class only, 'a'"),
        ("x,y\n1,a\n", ["--target", "y"], "has 1 rows to train on, expected at least 2"),
        ("x,y\n1,a\n2,b\n3,c\n", ["--target", "y"], "has 3 classes in 3 rows"),
        ("x,y\n1,a\n2,b\n", ["--target", "y", "--task", "regression"], "must be a number, got 'a'"),
    ],
)
def test_tables_that_can_not_be_learnt(run, write, text, options, message):
    code, out, err = run("train", write(text), *options)
    assert (code, out) == (1, "")
    assert message in err
    assert err.startswith("picaflor: error: ")
    assert err.count("\n") == 1


def test_train_digits_with_every_option(run, model_path):
    code, out, err = run(
        *("train", "digits", "--hidden", "32,16", "--activation", "tanh", "--dropout", 0.1),
        *("--l2", 1e-5, "--dtype", "float64", "--epochs", 12, "--batch-size", 16),
        *("--optimizer", "rmsprop", "--learning-rate", 2e-3, "--validation-split", 0.2),
        *("--early-stopping", 4, "--seed", 3, "--threads", 1, "--save", model_path, "--verbose"),
    )
    assert code == 0
    assert err == ""
    assert "1150 rows to train on, 287 to validate, 360 to test; 64 inputs, 10 classes" in out
    accuracy = float(out.split("test accuracy ")[1].split()[0])
    assert accuracy > 0.9
    code, out, err = run("predict", model_path, "digits")
    assert code == 0
    assert err == f"accuracy {accuracy:.4f} (360 rows)\n"
    assert len(out.splitlines()) == 361


def test_train_is_reproducible_and_quiet(run):
    train = ("train", "digits", "--epochs", 2, "--hidden", "16", "--quiet")
    results = [run(*train, "--seed", seed)[1] for seed in (1, 1, 2)]
    accuracies = [result.split(",")[0] for result in results]
    assert accuracies[0] == accuracies[1] != accuracies[2]
    assert all(result.count("\n") == 1 for result in results)


def test_diverging_training_is_an_error(run):
    code, _, err = run(
        *("train", "digits", "--optimizer", "sgd", "--learning-rate", 1e30, "--epochs", 3, "-q")
    )
    assert code == 1
    assert "the training diverged: the loss is" in err.splitlines()[-1]


@pytest.mark.parametrize("name", ["nowhere.safetensors", "data.csv"])
def test_predict_with_what_is_no_model(run, write, name, tmp_path, model_path):
    write("x,y\n1,2\n")
    code, out, err = run("predict", tmp_path / name, "digits")
    assert (code, out) == (1, "")
    assert err.startswith("picaflor: error: ")
    assert err.count("\n") == 1
    assert name in err


def test_metadata_goes_through_the_file(model_path):
    model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)])
    assert model.metadata == {}
    model.metadata["classes"] = ["no", "yes"]
    model.save(model_path)
    assert pf.models.load_model(model_path).metadata == model.metadata
    model.metadata["classes"] = {1, 2}
    with pytest.raises(TypeError, match="cannot turn"):
        model.save(model_path)


def test_predict_refuses_data_of_another_kind(run, write, model_path):
    assert run("train", "digits", "--epochs", 1, "--save", model_path, "-q")[0] == 0
    assert "can not read mnist" in run("predict", model_path, "mnist")[2]
    assert "reads no CSV file" in run("predict", model_path, write("x\n1\n"))[2]


def test_without_safetensors_the_extra_is_named_before_the_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, out, err = run("train", "digits", "--save", tmp_path / "model.safetensors")
    assert (code, out) == (1, "")
    assert err == 'picaflor: error: --save needs safetensors: pip install "picaflor[save]"\n'


def test_save_into_nowhere_is_told_before_the_training(run, tmp_path):
    code, out, err = run("train", "digits", "--save", tmp_path / "no" / "model.safetensors")
    assert (code, out) == (1, "")
    assert "no folder" in err


def test_offline_without_data_is_one_line(tmp_path):
    quiet = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "XDG_DATA_DIRS": str(tmp_path)}
    quiet.pop("PICAFLOR_DATA", None)
    quiet["PICAFLOR_DATA_URL"] = "http://127.0.0.1:9"
    done = process("train", "mnist", env={**quiet, "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("picaflor: error: mnist was not found")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(
    "not __import__('os').environ.get('PICAFLOR_DATA')", reason="needs PICAFLOR_DATA"
)
def test_train_mnist(run):
    code, out, _ = run("train", "mnist", "--epochs", 1, "--hidden", 64, "--batch-size", 128, "-q")
    assert code == 0
    assert float(out.split("test accuracy ")[1].split()[0]) > 0.9


# ------------------------------------------------------------------------------------ as a process


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_saves_and_exits_with_130(model_path):
    train = ["train", "digits", "--epochs", "1000000", "--verbose", "--save", str(model_path)]
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "picaflor", *train],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    while "epoch       2/" not in child.stdout.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    start = time.perf_counter()
    _, err = child.communicate(timeout=60)
    assert time.perf_counter() - start < 20
    assert child.returncode == 130
    assert err == f"saved what was learnt so far to {model_path}\npicaflor: interrupted\n"
    assert model_path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_broken_pipe_is_quiet(model_path):
    assert process("train", "digits", "--epochs", 1, "--save", model_path, "-q").returncode == 0
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "picaflor", "predict", str(model_path), "digits", "--proba"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""
