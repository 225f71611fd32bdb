"""The guide: every Python block runs, every command runs, and prints what the page says.

Blocks of one page share their names and a folder, as someone who follows the page would have it.
A ``text`` block right under a Python block is its output; in a ``console`` block, lines after ``$``
are commands and the others their output. Three dots stand for anything, as in doctest.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import picaflor as pf
from picaflor.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(ROOT.glob("docs/*.md"))  # the README has tests of its own
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$\n?(?=(\s*))", re.MULTILINE | re.DOTALL)
# what a block needs that may be absent
OPTIONAL = {
    "picaflor.sklearn": "sklearn",
    "plotting": "matplotlib",
    ".save(": "safetensors",
    "--save": "safetensors",
}


class Block(NamedTuple):
    language: str
    text: str
    line: int
    follows: bool  # stands right under the block before it


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found, end = [], -1
    for match in FENCE.finditer(text):
        follows = end >= 0 and not text[end : match.start()].strip()
        found.append(Block(match[1], match[2], text.count("\n", 0, match.start()) + 1, follows))
        end = match.end()
    return found


def assert_output(expected: str, actual: str, where: str) -> None:
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert checker.check_output(expected, actual, flags), (
        f"{where} says\n{expected}\nand it is\n{actual}"
    )


def run_python(text: str, names: dict[str, object], where: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(text, where, "exec"), names)
    return output.getvalue()


def run_console(text: str, where: str) -> None:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "picaflor", f"{where}: only picaflor's commands are run"
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = main(arguments)
        assert code == 0, f"{where}: `{command}` gives {code}"
        assert_output(expected, output.getvalue(), f"{where}: `{command}`")


def test_the_pages_are_found() -> None:
    assert len(PAGES) >= 9
    assert sum(len(blocks(page)) for page in PAGES) >= 40


@pytest.fixture(autouse=True)
def _same_threads() -> Iterator[None]:
    before = pf.get_num_threads()
    yield
    pf.set_num_threads(before)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word, package in OPTIONAL.items():
        if any(word in b.text for b in blocks(page) if b.language in ("python", "console")):
            pytest.importorskip(package, reason=f"{page.name} shows what {package} is for")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.language == "python":
            printed = run_python(block.text, names, where)
        elif block.language == "console":
            run_console(block.text, where)
        elif block.language == "text" and block.follows:
            assert_output(block.text, printed, where)


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_index_names_every_page_and_example() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.py")]:
        assert path.name in index or path.name == "index.md", f"index.md does not name {path.name}"


def test_a_wrong_output_is_noticed() -> None:
    with pytest.raises(AssertionError, match="says"):
        assert_output("1\n", run_python("print(2)", {}, "here"), "here")
