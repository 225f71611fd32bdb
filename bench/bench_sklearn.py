"""picaflor.sklearn against scikit-learn's MLP: time to fit and to predict, here and now.

    python bench/bench_sklearn.py [--quick] [--json FILE]

Both get the same data, parameters and random_state, take turns, and must end at the same loss;
float64, every other setting as it is by default, threads included.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

import machine
import picaflor as pf
import picaflor.sklearn
from timing import OURS, geometric_mean, race, rest_between_turns, summary

THEIRS = "scikit-learn"
MODULES: dict[str, Any] = {OURS: picaflor.sklearn, THEIRS: neural_network}


def tasks(rows: int, epochs: int) -> dict[str, Callable[[Any], float]]:
    """Return functions that fit with one of the modules and give a number to compare."""
    digits_x, digits_y = load_digits(return_X_y=True)
    digits_x /= 16
    random = np.random.RandomState(0)
    images, labels = random.rand(rows, 784), random.randint(10, size=rows)
    x, y = make_regression(rows, 20, noise=1.0, random_state=0)
    shared = {"random_state": 0, "tol": 0.0, "max_iter": epochs}

    def classify(samples: Any, targets: Any, *sizes: int, **parameters: Any) -> Any:
        parameters = {**shared, **parameters}
        return lambda m: m.MLPClassifier(sizes, **parameters).fit(samples, targets).loss_

    def regress(m: Any) -> float:
        model = m.MLPRegressor(hidden_layer_sizes=(64, 64), batch_size=32, **shared)
        return float(model.fit(x, y / 100).loss_)

    def validate(m: Any) -> float:
        model = m.MLPClassifier((32,), **shared)
        return float(cross_val_score(model, digits_x, digits_y, cv=5).mean())

    return {
        "digits 64-64-10, adam": classify(digits_x, digits_y, 64),
        "784-256-10, sgd, batch 32": classify(images, labels, 256, solver="sgd", batch_size=32),
        "784-256-10, adam": classify(images, labels, 256),
        "20-64-64-1, adam, batch 32": regress,
        "digits, 5-fold validation": validate,
    }


def one_row(name: str) -> dict[str, Callable[[], Any]]:
    x, y = load_digits(return_X_y=True)

    def predict(module: Any) -> Callable[[], Any]:
        model = getattr(module, name)(max_iter=1).fit(x, y)
        return lambda: model.predict(x[:1])

    return {rival: predict(module) for rival, module in MODULES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller data")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rest_between_turns(pf.get_num_threads())
    report: dict[str, Any] = machine.describe(pf.get_num_threads())
    print(f"{report['cpu']}, {report['cpus']} CPUs, load {report['load_before']}")
    rows, epochs, rounds = (2000, 5, 3) if given.quick else (10_000, 20, 5)
    report["fit"], report["predict one row"] = {}, {}
    for name, fit in tasks(rows, epochs).items():
        ends = [fit(module) for module in MODULES.values()]
        if not np.isclose(*ends, rtol=1e-6):
            raise SystemExit(f"{name}: the results differ: {ends}")
        calls = {rival: (lambda fit=fit, m=m: fit(m)) for rival, m in MODULES.items()}
        report["fit"][name] = show(name, summary(race(calls, rounds)), 1e3, "ms")
    ratios = [rivals[THEIRS]["ratio"] for rivals in report["fit"].values()]
    print(f"{'geometric mean of the fits':<30}{geometric_mean(ratios):>32.1f}x")
    for name in ("MLPClassifier", "MLPRegressor"):
        rivals = summary(race(one_row(name), rounds, seconds=0.05))
        report["predict one row"][name] = show(f"one row, {name}", rivals, 1e6, "us")
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(report, indent=1) + "\n")


def show(name: str, rivals: dict[str, dict[str, float]], unit: float, symbol: str) -> Any:
    ours, theirs = (rivals[rival]["best"] * unit for rival in (OURS, THEIRS))
    ratio = rivals[THEIRS]["ratio"]
    print(f"{name:<30}{theirs:>12.1f} {symbol}{ours:>12.1f} {symbol}{ratio:>10.1f}x", flush=True)
    return rivals


if __name__ == "__main__":
    main()
