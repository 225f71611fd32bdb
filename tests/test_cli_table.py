"""CSV files: how they are read, and what becomes of a column."""

from __future__ import annotations

import numpy as np
import pytest

from picaflor.cli.table import Column, class_names, find_column, looks_like_classes, read_csv


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def call(text):
        path = tmp_path / "data.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return call


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_read_csv_takes_delimiters_quotes_bom_and_blank_lines(write, delimiter):
    lines = ["a|b|c d", '1|"two\n2"| x ', "", "-3e2|t|z"]
    table = read_csv(str(write("\ufeff" + "\n".join(lines).replace("|", delimiter) + "\n")))
    assert table.columns == {"a": ["1", "-3e2"], "b": ["two\n2", "t"], "c d": ["x", "z"]}
    assert table.lines == [2, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("1,2\n3,4\n", "must start with a line of column names, got numbers: 1, 2"),
        ("a,b,a\n1,2,3\n", "two columns are named 'a'"),
        ("a,,b\n1,2,3\n", "column 2 of the header has no name"),
        ("a,b\n1,2\n3\n", "line 3 must have 2 fields, got 1"),
        ("a,b\n1,2,3\n", "line 2 must have 2 fields, got 3"),
    ],
)
def test_read_csv_says_what_is_wrong(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(str(path))
    assert str(path) in str(caught.value)


def test_read_csv_of_no_text(tmp_path):
    (tmp_path / "picture").write_bytes(b"a,b\n\xff\xfe\x00,2\n")
    with pytest.raises(ValueError, match="is not a CSV file in UTF-8"):
        read_csv(str(tmp_path / "picture"))
    with pytest.raises(FileNotFoundError, match="no file"):
        read_csv(str(tmp_path / "nowhere.csv"))
    with pytest.raises(IsADirectoryError, match="is a folder, not a CSV file"):
        read_csv(str(tmp_path))


def test_columns_become_numbers_or_categories(write):
    table = read_csv(str(write("size,colour\n1,red\n2.5,blue\n-1e3,red\n")))
    size, colour = find_column(table, "size"), find_column(table, "colour")
    assert (size.categories, colour.categories) == (None, ("blue", "red"))
    np.testing.assert_array_equal(size.encode(table), [[1], [2.5], [-1000]])
    np.testing.assert_array_equal(colour.encode(table), [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "2", "", "4"], "line 4: column 'x' has no value \\(''\\); see --missing"),
        (["1", "NaN"], "line 3: column 'x' has no value \\('NaN'\\)"),
        (["1", "2", "3,5", "4"], "line 4: column 'x' holds numbers, but here '3,5'"),
        (["1", "2", "inf", "4"], "line 4: column 'x' holds numbers, but here 'inf'"),
        (["1", "2", "1_000"], "line 4: column 'x' holds numbers, but here '1_000'"),
        ([f"id{k}" for k in range(101)], "101 different values, more than 100.*--drop 'x'"),
    ],
)
def test_columns_that_can_not_be_inputs(write, cells, message):
    table = read_csv(str(write("x;y\n" + "".join(f"{cell};0\n" for cell in cells))))
    with pytest.raises(ValueError, match=message):
        find_column(table, "x")


def test_new_category_and_absent_column_are_named(write):
    table = read_csv(str(write("colour\ngreen\n")))
    with pytest.raises(ValueError, match=r"line 2: column 'colour' has the value 'green', which"):
        Column("colour", ("blue", "red")).encode(table)
    with pytest.raises(ValueError, match=r"has no column 'size'; it has 'colour'"):
        Column("size").encode(table)
    with pytest.raises(ValueError, match=r"line 2: column 'colour' must be a number, got 'green'"):
        Column("colour").encode(table)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["cat", "dog"], True),
        (["0", "1", "1.0"], True),
        ([str(k) for k in range(20)], True),
        ([str(k) for k in range(21)], False),
        (["0.5", "1"], False),
    ],
)
def test_task_is_told_from_the_target(cells, classes):
    assert looks_like_classes(cells) is classes


def test_class_names_come_in_order():
    names, y = class_names(["10", "9", "10.0", "-1"])
    assert names == ["-1", "9", "10"]
    assert y.tolist() == [2, 1, 2, 0]
    names, y = class_names(["b", "10", "a"])
    assert names == ["10", "a", "b"]
    assert y.tolist() == [2, 0, 1]
