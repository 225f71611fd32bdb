"""Momentum and Adam in a few lines of NumPy, against picaflor's.

Both minimise the same long valley, f(w) = (w0^2 + 25 w1^2) / 2, whose walls are 25 times as steep
as its floor. The rules written here and the ones of picaflor (one pass over memory in C++) take
the same steps, to the last digits of float64.

    python examples/optimizers_from_scratch.py             prints the comparison
    python examples/optimizers_from_scratch.py valley.png  draws the paths too
"""

import sys
from types import SimpleNamespace

import numpy as np

import picaflor as pf

STEEPNESS = np.array([1.0, 25.0])


def f(w):
    return float(STEEPNESS @ w**2 / 2)


def gradient(w):
    return STEEPNESS * w


def momentum(rate=0.02, mu=0.8):
    """Polyak 1964: the step is a fading sum of gradients."""
    velocity = np.zeros(2)

    def step(w, g):
        velocity[:] = mu * velocity - rate * g
        w += velocity

    return step


def adam(rate=0.2, b1=0.9, b2=0.999, epsilon=1e-7):
    """Kingma and Ba 2015: the mean gradient over the root of the mean squared gradient."""
    m, v, t = np.zeros(2), np.zeros(2), 0

    def step(w, g):
        nonlocal t
        t += 1
        m[:] = b1 * m + (1 - b1) * g
        v[:] = b2 * v + (1 - b2) * g**2
        w -= rate * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + epsilon)

    return step


def descend(step, steps=60):
    """Return every point of a descent from (-4, 1.5), and its losses."""
    w = np.array([-4.0, 1.5])
    path = [w.copy()]
    for _ in range(steps):
        step(w, gradient(w))
        path.append(w.copy())
    return SimpleNamespace(path=np.array(path), losses=[f(w) for w in path])


def picaflors(optimizer):
    return lambda w, g: optimizer.apply([g], [w])


paths = {}
for name, by_hand, optimizer in (
    ("momentum", momentum(), pf.optimizers.SGD(0.02, momentum=0.8)),
    ("Adam", adam(), pf.optimizers.Adam(0.2)),
):
    paths[name], other = descend(by_hand), descend(picaflors(optimizer))
    difference = np.abs(paths[name].path - other.path).max()
    print(
        f"{name:<9} after {len(other.path) - 1} steps: loss {other.losses[-1]:.2e}, "
        f"largest difference of the two paths {difference:.1e}"
    )

if len(sys.argv) > 1:
    paths["gradient descent"] = descend(picaflors(pf.optimizers.SGD(0.02)))
    ax = None
    for name, path in paths.items():
        first = ax is None
        ax = pf.plotting.plot_descent(
            path,
            f if first else None,
            ax,
            label=name,
            bounds=[(-4.5, 2.5), (-1.6, 2.0)] if first else None,
        )
    ax.figure.savefig(sys.argv[1], dpi=150)
    print(f"the paths are drawn in {sys.argv[1]}")
