"""Small data sets: made up, shipped with the package, or fetched once and kept.

``make_moons`` and ``make_spirals`` draw points in the plane, ``load_digits`` returns the UCI
handwritten digits that come with the package, and the modules ``mnist`` and ``fashion_mnist`` each
have Keras's ``load_data``.
"""

from __future__ import annotations

from picaflor.datasets import fashion_mnist, mnist
from picaflor.datasets.digits import load_digits
from picaflor.datasets.idx import read_idx
from picaflor.datasets.synthetic import make_moons, make_spirals

__all__ = ["fashion_mnist", "load_digits", "make_moons", "make_spirals", "mnist", "read_idx"]
