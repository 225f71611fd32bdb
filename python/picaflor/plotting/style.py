"""What the pictures have in common: colours, and Axes with quiet spines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# One colour per class or curve, in this order.
COLORS = (
    "#2f6db3",
    "#e3742f",
    "#2a9d74",
    "#b5486f",
    "#7a62b8",
    "#c9a227",
    "#4fa7c9",
    "#8c5a3c",
    "#6b7a2f",
    "#707070",
)
INK = "#333333"
FAINT = "#c8c8c8"


def new_or_given_axes(caller: str, ax: Axes | None) -> Axes:
    """Return `ax`, or the Axes of a new figure, with quiet spines."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib: pip install "picaflor[plot]"') from error
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(colors=INK)
    return ax


def next_color(ax: Axes, skip: int = 0) -> str:
    """Return the first colour, after those to skip, that no curve of the Axes has."""
    from matplotlib.colors import to_hex

    used = {to_hex(line.get_color()) for line in ax.get_lines()}
    return next((color for color in COLORS[skip:] if color not in used), COLORS[skip])
