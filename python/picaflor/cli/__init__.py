"""The command ``picaflor``: train, predict and measure without writing Python.

Exit codes: 0 for success, 1 for a problem at run time (told in one line), 2 for wrong usage, 130
after Ctrl-C. Results go to the standard output, everything else to the standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str or None, default None
        Arguments after the program's name; ``None`` takes them from ``sys.argv``.

    Returns
    -------
    int
        0, 1 (a problem at run time) or 130 (interrupted).

    Raises
    ------
    SystemExit
        By argparse: with code 2 for wrong usage, with 0 after ``--help`` and ``--version``.

    Examples
    --------
    >>> from picaflor.cli import main
    >>> main(["predict", "nowhere.safetensors", "digits"])
    1
    """
    from picaflor.cli.parser import make_parser

    arguments = make_parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _one_line
        try:
            arguments.run(arguments)
            sys.stdout.flush()
        except KeyboardInterrupt:
            return _complain("interrupted", 130)
        except BrokenPipeError:
            # the reader (head, less) has seen enough; Python's own flush at exit must not complain
            _discard(sys.stdout)
            return 1
        except (OSError, ValueError, RuntimeError, ImportError, MemoryError) as error:
            return _complain(error, 1)
    return 0


def _complain(problem: object, code: int) -> int:
    text = " ".join(str(problem).split()) or type(problem).__name__
    print(f"picaflor: {text if code == 130 else f'error: {text}'}", file=sys.stderr)
    return code


def _one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning without the place in the source, which is not the user's."""
    print(f"picaflor: warning: {' '.join(str(message).split())}", file=file or sys.stderr)


def _discard(stream: Any) -> None:
    # a stream that is no file has no buffer of the system's either
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
