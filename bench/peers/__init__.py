"""The rivals: one file for each, one class with what it can do."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from .base import Peer

PEERS = ("numpy", "torch", "jax", "sklearn", "onnxruntime")


def open_peers(
    names: Sequence[str], threads: int, say: Callable[[str], None] = print
) -> list[Peer]:
    """Return picaflor, then those peers that are installed; say which are not."""
    found = []
    for name in ("picaflor", *names):
        try:
            module = importlib.import_module(f"peers.{name}_peer")
        except ImportError as error:
            if name == "picaflor":
                raise
            say(f"{name} is left out: {error}")
        else:
            found.append(module.make(threads))
    return found
