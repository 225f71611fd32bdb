"""``picaflor predict``."""

from __future__ import annotations

import argparse
import contextlib
import csv
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

import picaflor as pf
from picaflor.cli import storage
from picaflor.cli.data import IMAGE_SETS, Meaning, image_set
from picaflor.cli.score import score
from picaflor.cli.table import read_csv

if TYPE_CHECKING:
    import numpy.typing as npt


def run(arguments: argparse.Namespace) -> None:
    """Write a prediction for each row; the score, where the truth is known, to standard error."""
    if arguments.threads:
        pf.set_num_threads(arguments.threads)
    model, meaning = storage.load(arguments.model)
    if arguments.proba and meaning.task != "classification":
        arguments.usage(f"--proba is for classes, and {arguments.model} is a regression")
    x, y = _rows(arguments, meaning)
    outputs = np.asarray(model.predict(x, verbose=0)) if len(x) else np.zeros((0, 1))
    with _destination(arguments.output) as file:
        _write(file, meaning, outputs, arguments.proba)
    if y is not None and len(y):
        print(f"{score(meaning, outputs, y)} ({len(y)} rows)", file=sys.stderr)


def _rows(
    arguments: argparse.Namespace, meaning: Meaning
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    if arguments.data in IMAGE_SETS:
        if arguments.data != meaning.data and {arguments.data, meaning.data} != {
            "mnist",
            "fashion-mnist",
        }:
            trained_on = "a table" if meaning.data == "table" else meaning.data
            raise ValueError(
                f"{arguments.model} was trained on {trained_on} and can not read {arguments.data}"
            )
        _, (x, y) = image_set(arguments.data)
        return x, y if arguments.data == meaning.data else None
    if meaning.data != "table":
        raise ValueError(
            f"{arguments.model} was trained on {meaning.data} and reads no CSV file; DATA must be "
            f"{meaning.data}"
        )
    table = read_csv(arguments.data)
    return meaning.inputs(table), meaning.targets(table)


@contextlib.contextmanager
def _destination(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
    else:
        with open(path, "w", encoding="utf-8", newline="") as file:
            yield file


def _write(file: TextIO, meaning: Meaning, outputs: npt.NDArray[Any], probabilities: bool) -> None:
    writer = csv.writer(file, lineterminator="\n")
    if meaning.task == "regression":
        writer.writerow(["prediction"])
        writer.writerows([f"{value:.9g}"] for value in outputs[:, 0].tolist())
        return
    winners = outputs.argmax(axis=1).tolist() if len(outputs) else []
    header = ["prediction"]
    if probabilities:
        header += [f"p({name})" for name in meaning.classes]
    writer.writerow(header)
    for winner, row in zip(winners, outputs.tolist(), strict=True):
        cells = [meaning.classes[winner]]
        if probabilities:
            cells += [f"{value:.6g}" for value in row]
        writer.writerow(cells)
