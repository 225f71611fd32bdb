"""What the commands train on and predict from: image sets and tables, with what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor import datasets
from picaflor.cli.table import (
    Column,
    Table,
    class_names,
    columns_from_dict,
    columns_to_dict,
    find_column,
    is_missing,
    looks_like_classes,
    numbers,
    read_csv,
    same_class,
)

if TYPE_CHECKING:
    import numpy.typing as npt

Rows: TypeAlias = "tuple[npt.NDArray[Any], npt.NDArray[Any]]"

IMAGE_SETS = ("digits", "mnist", "fashion-mnist")
DIGITS_TRAINING_ROWS = 1437  # four fifths of the 1797, as in scikit-learn's examples


@dataclass(frozen=True)
class Meaning:
    """What a model's inputs and outputs stand for; it is saved with the model."""

    task: str  # "classification" or "regression"
    data: str  # name of an image set, or "table"
    target: str
    classes: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the meaning as JSON writes it."""
        return {
            "task": self.task,
            "data": self.data,
            "target": self.target,
            "classes": list(self.classes),
            "columns": columns_to_dict(self.columns),
        }

    @classmethod
    def from_dict(cls, items: Mapping[str, Any]) -> Meaning:
        """Undo `to_dict`."""
        return cls(
            items["task"],
            items["data"],
            items["target"],
            tuple(items["classes"]),
            tuple(columns_from_dict(items["columns"])),
        )

    def inputs(self, table: Table) -> npt.NDArray[np.float64]:
        """Return the inputs that a table holds, shape (rows, inputs)."""
        parts = [column.encode(table) for column in self.columns]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(table), 0))

    def targets(self, table: Table) -> npt.NDArray[Any] | None:
        """Return the targets if the table has them all: class numbers or values."""
        cells = table.columns.get(self.target)
        if cells is None or any(is_missing(cell) for cell in cells):
            return None
        if self.task == "regression":
            return numbers(table, self.target)
        found = [
            next((k for k, name in enumerate(self.classes) if same_class(cell, name)), -1)
            for cell in cells
        ]
        return np.array(found, dtype=np.int64)  # -1, a class never seen, is always wrong


@dataclass
class TrainingData:
    """Training rows, test rows if the data set has its own, and what they mean."""

    meaning: Meaning
    train: Rows
    test: Rows | None = None
    note: str = field(default="")


def load_training_data(arguments: argparse.Namespace) -> TrainingData:
    """Load what `picaflor train` is asked to train on."""
    if arguments.data in IMAGE_SETS:
        if arguments.target or arguments.task or arguments.drop:
            arguments.usage("--target, --task and --drop are for CSV files")
        train, test = image_set(arguments.data)
        return TrainingData(image_meaning(arguments.data), train, test)
    if Path(arguments.data).is_dir():
        arguments.usage(
            f"DATA must be one of {', '.join(IMAGE_SETS)} or a CSV file, and {arguments.data} is a "
            "folder; PICAFLOR_DATA names the folder that holds mnist and fashion-mnist"
        )
    if not arguments.target:
        arguments.usage(f"a CSV file needs --target NAME (DATA is none of {', '.join(IMAGE_SETS)})")
    return _table_data(read_csv(arguments.data), arguments)


def image_set(name: str) -> tuple[Rows, Rows]:
    """Return training and test images, a row each, and their class numbers."""
    if name == "digits":
        x, y = datasets.load_digits()
        # neighbours are often by one hand; the split is the same for every seed of the training
        order = np.random.default_rng(0).permutation(len(x))
        first, last = order[:DIGITS_TRAINING_ROWS], order[DIGITS_TRAINING_ROWS:]
        return (x[first], y[first]), (x[last], y[last])
    module = datasets.mnist if name == "mnist" else datasets.fashion_mnist
    (x_train, y_train), (x_test, y_test) = module.load_data()
    return (
        (x_train.reshape(len(x_train), -1), y_train.astype(np.int64)),
        (x_test.reshape(len(x_test), -1), y_test.astype(np.int64)),
    )


def image_meaning(name: str) -> Meaning:
    """Return what the pixels and classes of an image set are."""
    clothes = name == "fashion-mnist"
    classes = datasets.fashion_mnist.CLASS_NAMES if clothes else tuple("0123456789")
    return Meaning("classification", name, "class", classes)


def _table_data(table: Table, arguments: argparse.Namespace) -> TrainingData:
    target = arguments.target
    for name in (target, *arguments.drop):
        if name not in table.columns:
            raise ValueError(
                f"{table.name} has no column {name!r}; it has {', '.join(map(repr, table.columns))}"
            )
    if target in arguments.drop:
        raise ValueError(f"the target {target!r} can not be dropped")
    names = [n for n in table.columns if n != target and n not in arguments.drop]
    if not names:
        raise ValueError(f"{table.name} has no column to predict {target!r} from")
    rows, note = len(table), ""
    if arguments.missing == "drop":
        table = table.without_missing([target, *names])
        if len(table) < rows:
            note = f"{rows - len(table)} rows with missing values left out"
    if len(table) < 2:
        raise ValueError(f"{table.name} has {len(table)} rows to train on, expected at least 2")
    columns = tuple(find_column(table, name) for name in names)
    task, classes, y = _target(table, target, arguments.task)
    meaning = Meaning(task, "table", target, classes, columns)
    return TrainingData(meaning, (meaning.inputs(table), y), None, note)


def _target(
    table: Table, name: str, task: str | None
) -> tuple[str, tuple[str, ...], npt.NDArray[Any]]:
    cells = table.columns[name]
    for cell, line in zip(cells, table.lines, strict=True):
        if is_missing(cell):
            raise ValueError(
                f"{table.name} line {line}: the target {name!r} has no value ({cell!r}); "
                "see --missing"
            )
    if task is None:
        task = "classification" if looks_like_classes(cells) else "regression"
    if task == "regression":
        return task, (), numbers(table, name)
    classes, y = class_names(cells)
    if len(classes) < 2:
        raise ValueError(f"{table.name}: the target {name!r} has one class only, {classes[0]!r}")
    if 2 * len(classes) > len(cells) and len(classes) > 2:
        raise ValueError(
            f"{table.name}: the target {name!r} has {len(classes)} classes in {len(cells)} rows; "
            "for numbers use --task regression"
        )
    return task, tuple(classes), y
