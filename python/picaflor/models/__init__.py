"""Models: `Sequential`, and reading saved ones."""

from __future__ import annotations

from picaflor.models.sequential import Sequential
from picaflor.saving import load_model

__all__ = ["Sequential", "load_model"]
