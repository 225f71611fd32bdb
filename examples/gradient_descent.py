"""Gradient descent, momentum and Adam going down two curves.

First the parabola L(x) = x^2, where the learning rate alone decides: each step multiplies x by
(1 - 2 * rate), so the descent crawls, converges, alternates or diverges. Then a curve with a trap:

    L(x) = 2 x^4 + 3 x^3 + 2,    dL/dx = 8 x^3 + 9 x^2 = x^2 (8 x + 9)

Its slope is zero at the minimum x = -9/8, and also at x = 0, which is a flat step on the way down.
Plain gradient descent slows down there for good. Momentum of the right size rolls over it. Adam is
on its way past when two losses differ by less than the tolerance, which is what "came to rest"
means here; without a tolerance it arrives.

    python examples/gradient_descent.py              prints the tables
    python examples/gradient_descent.py descent.png  draws the paths too
"""

import sys

import picaflor as pf


def parabola(x):
    return x**2


def slope_of_parabola(x):
    return 2 * x


def trap(x):
    return 2 * x**4 + 3 * x**3 + 2


def slope_of_trap(x):
    return 8 * x**3 + 9 * x**2


print("L(x) = x^2 from x = 1")
print("learning rate    steps            x   what happened")
for rate in (1e-4, 1e-2, 0.5, 0.9, 1.0, 1.000002):
    result = pf.minimize(
        parabola, 1.0, slope_of_parabola, optimizer=pf.optimizers.SGD(rate), max_iter=2000
    )
    print(f"{rate:<13} {result.nit:>8} {result.x:>12.4g}   {result.message}")

print("\nL(x) = 2 x^4 + 3 x^3 + 2 from x = 2; the minimum is at -1.125")
print("optimizer         rate    steps            x   what happened")
results = {}
for rate in (1e-3, 1e-2, 1e-1):
    for name, optimizer in (
        ("descent", pf.optimizers.SGD(rate)),
        ("momentum 0.7", pf.optimizers.SGD(rate, momentum=0.7)),
        ("Adam", pf.optimizers.Adam(rate)),
    ):
        result = pf.minimize(trap, 2.0, slope_of_trap, optimizer=optimizer)
        results[name, rate] = result
        print(f"{name:<15} {rate:>6} {result.nit:>8} {result.x:>12.4g}   {result.message}")

result = pf.minimize(trap, 2.0, slope_of_trap, optimizer=pf.optimizers.Adam(0.1), tol=0)
print(f"{'Adam, tol=0':<15} {0.1:>6} {result.nit:>8} {result.x:>12.4g}   {result.message}")

if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
    for ax, (name, rate) in zip(
        axes, (("descent", 1e-2), ("momentum 0.7", 1e-2), ("Adam", 1e-1)), strict=True
    ):
        pf.plotting.plot_descent(results[name, rate], trap, ax, bounds=[(-1.9, 2.2)])
        ax.set_title(f"{name}, learning rate {rate}: {results[name, rate].nit} steps")
    figure.savefig(sys.argv[1], dpi=150)
    print(f"\nthe paths are drawn in {sys.argv[1]}")
