"""The table that `Sequential.summary` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from picaflor._checks import boolean, integer


def summary_text(model: Any, line_length: int | None, show_trainable: bool) -> str:
    """Return the table of a model's layers as text."""
    show_trainable = boolean(show_trainable, "show_trainable")
    if line_length is not None:
        line_length = min(integer(line_length, "line_length", minimum=1), 10_000)
    head = ["Layer (type)", "Output Shape", "Param #"] + ["Trainable"] * show_trainable
    rows = [_row(layer, show_trainable) for layer in model.layers]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    if line_length is not None:
        spare = line_length - sum(widths) - 2 * (len(widths) - 1)
        widths[0] = max(1, widths[0] + spare)
    total = sum(widths) + 2 * (len(widths) - 1)

    def line(row: list[str]) -> str:
        cells = zip(row, widths, strict=True)
        return "  ".join(cell[:width].ljust(width) for cell, width in cells).rstrip()

    lines = [f'Model: "{model.name}"', "-" * total, line(head), "=" * total]
    lines += [line(row) for row in rows]
    lines += ["-" * total]
    if model.built:
        trained = sum(w.size for w in model.trainable_weights)
        every = model.count_params()
        itemsize = np.dtype(model.dtype).itemsize
        for name, count in [
            ("Total", every),
            ("Trainable", trained),
            ("Non-trainable", every - trained),
        ]:
            lines.append(f"{name} params: {count:,} ({_bytes(count * itemsize)})")
    else:
        lines.append("Not built yet: the shape of the input is not known.")
    return "\n".join(lines)


def _row(layer: Any, show_trainable: bool) -> list[str]:
    row = [f"{layer.name} ({type(layer).__name__})"]
    row += [str(layer.output_shape), f"{layer.count_params():,}"] if layer.built else ["?", "?"]
    return row + ["Y" if layer.trainable else "N"] * show_trainable


def _bytes(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    if count < 1024**2:
        return f"{count / 1024:.2f} KB"
    return f"{count / 1024**2:.2f} MB"
