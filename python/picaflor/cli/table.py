"""CSV files: named columns of text, and how they become the numbers a network takes."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
DELIMITERS = ",;\t"
MAX_CATEGORIES = 100  # more inputs than this from one column: an identifier or free text
MAX_WHOLE_CLASSES = 20  # different whole numbers that a target of classes may have

Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass
class Table:
    """A CSV file: its name, and for each column the cells from top to bottom."""

    name: str
    columns: dict[str, list[str]]
    lines: list[int]  # line of the file that each row starts on, for messages

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def without_missing(self, names: Sequence[str]) -> Table:
        """Return the rows that have a value in each of these columns."""
        rows = [
            i
            for i in range(len(self))
            if not any(is_missing(self.columns[name][i]) for name in names)
        ]
        columns = {name: [cells[i] for i in rows] for name, cells in self.columns.items()}
        return Table(self.name, columns, [self.lines[i] for i in rows])


def read_csv(path: str) -> Table:
    """Read a CSV file with a header; ``-`` is the standard input."""
    name = "standard input" if path == "-" else path
    if path != "-" and Path(path).is_dir():
        raise IsADirectoryError(f"{name} is a folder, not a CSV file")
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not a CSV file in UTF-8: {error.reason}") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no file {name}") from error
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, lines, start = [], [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):  # blank lines mean nothing
                rows.append([cell.strip() for cell in row])
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{name} line {reader.line_num}: {error}") from error
    if not rows:
        raise ValueError(f"{name} is empty")
    header = _check_header(rows.pop(0), name)
    lines.pop(0)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise ValueError(f"{name} line {line} must have {len(header)} fields, got {len(row)}")
    columns = {column: [row[k] for row in rows] for k, column in enumerate(header)}
    return Table(name, columns, lines)


def _check_header(header: list[str], name: str) -> list[str]:
    if all(_is_number(cell) for cell in header):
        raise ValueError(
            f"{name} must start with a line of column names, got numbers: {', '.join(header[:3])}"
        )
    for k, cell in enumerate(header):
        if not cell:
            raise ValueError(f"{name}: column {k + 1} of the header has no name")
        if cell in header[:k]:
            raise ValueError(f"{name}: two columns are named {cell!r}")
    return header


@dataclass(frozen=True)
class Column:
    """An input column: of numbers, or of categories, which become an input each."""

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Number of inputs."""
        return 1 if self.categories is None else len(self.categories)

    def encode(self, table: Table) -> Floats:
        """Return the column as numbers, shape (rows, width)."""
        cells = _column(table, self.name)
        _refuse_missing(table, self.name)
        if self.categories is None:
            return numbers(table, self.name)[:, None]
        place = {category: k for k, category in enumerate(self.categories)}
        for cell, line in zip(cells, table.lines, strict=True):
            if cell not in place:
                raise ValueError(
                    f"{table.name} line {line}: column {self.name!r} has the value {cell!r}, "
                    "which was not there in the training"
                )
        hot = np.zeros((len(cells), self.width))
        hot[np.arange(len(cells)), [place[cell] for cell in cells]] = 1
        return hot


def find_column(table: Table, name: str) -> Column:
    """Decide how a column of a training table becomes inputs."""
    _refuse_missing(table, name, "; see --missing and --drop")
    cells = table.columns[name]
    words = [i for i, cell in enumerate(cells) if not _is_number(cell)]
    if not words:
        return Column(name)
    where = f"{table.name} line {table.lines[words[0]]}"
    if 2 * len(words) < len(cells):  # a typing error must not turn numbers into categories
        raise ValueError(
            f"{where}: column {name!r} holds numbers, but here {cells[words[0]]!r}; correct it, or "
            f"leave the column out with --drop {name!r}"
        )
    categories = sorted(set(cells))
    if len(categories) > MAX_CATEGORIES:
        raise ValueError(
            f"{where}: column {name!r} holds text ({cells[words[0]]!r}) of {len(categories)} "
            f"different values, more than {MAX_CATEGORIES}; leave it out with --drop {name!r}"
        )
    return Column(name, tuple(categories))


def numbers(table: Table, name: str) -> Floats:
    """Return a column as float64, shape (rows,)."""
    _refuse_missing(table, name)
    values = np.empty(len(table))
    for i, (cell, line) in enumerate(zip(_column(table, name), table.lines, strict=True)):
        if not _is_number(cell):
            raise ValueError(
                f"{table.name} line {line}: column {name!r} must be a number, got {cell!r}"
            )
        values[i] = float(cell)
    return values


def is_missing(cell: str) -> bool:
    """Say whether a cell stands for no value."""
    return cell.lower() in MISSING


def looks_like_classes(cells: Sequence[str]) -> bool:
    """Say whether a target is of classes: text, or few different whole numbers."""
    if not all(_is_number(cell) for cell in cells):
        return True
    if not all(float(cell).is_integer() for cell in cells):
        return False
    return len({float(cell) for cell in cells}) <= MAX_WHOLE_CLASSES


def class_names(cells: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the different values, numbers in their order, and the place of each cell in them."""
    if all(_is_number(cell) for cell in cells):
        values = sorted({float(cell) for cell in cells})  # "1" and "1.0" are one class
        names = [str(int(v)) if v.is_integer() else str(v) for v in values]
        places = {value: k for k, value in enumerate(values)}
        return names, np.array([places[float(cell)] for cell in cells], dtype=np.int64)
    names = sorted(set(cells))
    place = {name: k for k, name in enumerate(names)}
    return names, np.array([place[cell] for cell in cells], dtype=np.int64)


def same_class(cell: str, name: str) -> bool:
    """Say whether a cell of a table means the class of this name."""
    return cell == name or (_is_number(cell) and _is_number(name) and float(cell) == float(name))


def _is_number(cell: str) -> bool:
    """Say whether a cell is a finite number; Python's digit groups (1_000) are text here."""
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _refuse_missing(table: Table, name: str, hint: str = "") -> None:
    for cell, line in zip(_column(table, name), table.lines, strict=True):
        if is_missing(cell):
            raise ValueError(
                f"{table.name} line {line}: column {name!r} has no value ({cell!r}){hint}"
            )


def _column(table: Table, name: str) -> list[str]:
    if name not in table.columns:
        raise ValueError(
            f"{table.name} has no column {name!r}; it has {', '.join(map(repr, table.columns))}"
        )
    return table.columns[name]


def columns_to_dict(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return columns as JSON writes them."""
    return [{"name": c.name, "categories": c.categories} for c in columns]


def columns_from_dict(items: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Undo `columns_to_dict`."""
    return [
        Column(item["name"], None if item["categories"] is None else tuple(item["categories"]))
        for item in items
    ]
