"""``picaflor info``."""

from __future__ import annotations

import argparse

import picaflor as pf


def run(arguments: argparse.Namespace) -> None:
    """Print version, instruction set, threads and build."""
    pf.show_config()
