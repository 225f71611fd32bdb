"""Pictures of training, decision regions, descents and networks, drawn with matplotlib.

Every function draws into the Axes it is given, or into those of a new figure, and returns the Axes:
titles, limits and files are then matplotlib's business. Nothing global (no rcParams) is changed.
Matplotlib comes with ``pip install "picaflor[plot]"`` and is imported at the first call.
"""

from __future__ import annotations

from picaflor.plotting.boundary import plot_decision_boundary
from picaflor.plotting.descent import plot_descent
from picaflor.plotting.history import plot_history
from picaflor.plotting.network import plot_network

__all__ = ["plot_decision_boundary", "plot_descent", "plot_history", "plot_network"]
