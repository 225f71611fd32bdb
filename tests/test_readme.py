"""The README's Python blocks run, and print what the block after them says."""

import contextlib
import io
import pathlib
import re

import pytest

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"

BLOCKS = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", README.read_text(), re.S)

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def test_readme_has_blocks_with_output() -> None:
    assert len(BLOCKS) >= 3
    assert all(printed for _, printed in BLOCKS)


@pytest.mark.parametrize(("code", "printed"), BLOCKS)
def test_readme_block_prints_what_it_says(code: str, printed: str) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, README.name, "exec"), {})
    actual = out.getvalue()
    assert NUMBER.sub("#", actual) == NUMBER.sub("#", printed)
    # Instruction sets round differently, so that a training ends elsewhere: 3 % of each number.
    for a, p in zip(NUMBER.findall(actual), NUMBER.findall(printed), strict=True):
        assert float(a) == pytest.approx(float(p), rel=0.03, abs=1e-12), f"{actual}\n{printed}"
