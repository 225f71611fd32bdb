"""Pictures of the results: bars against the limit, and log-log lines of cost."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from math import prod
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

COLORS = {
    "picaflor": "#00795c",
    "numpy": "#4d77cf",
    "scipy": "#8fa9e0",
    "torch": "#ee4c2c",
    "jax": "#9b59b6",
    "sklearn": "#f0a030",
    "onnxruntime": "#7f7f7f",
}
Results = list[dict[str, Any]]


def draw(suite: str, results: Results, report: dict[str, Any], path: pathlib.Path) -> None:
    """Draw one suite into a file whose suffix says which format."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    painters: dict[str, Callable[[Results], Any]] = {
        "train": train,
        "infer": infer,
        "kernels": kernels,
        "footprint": footprint,
        "scaling": scaling,
    }
    figure = painters[suite](results)
    figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))  # room for the line below
    load = report["load_before"]
    figure.text(
        0.995,
        0.005,
        f"{report['cpu']}, level {report['level']}, {report['threads']} thread(s), "
        f"{report['effort']} run, {report['clock']} clock"
        + (f", load {load[0]:.1f}" if load else ""),
        ha="right",
        fontsize=7,
        color="0.4",
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)


def color(name: str) -> str:
    return COLORS.get(name.split()[0], "0.5")


def grouped_bars(
    axes: Axes, groups: list[str], values: dict[str, list[float | None]], text: str = ""
) -> None:
    """Draw horizontal bars, first group on top; the values of picaflor are written out."""
    height = 0.8 / len(values)
    for k, (name, series) in enumerate(values.items()):
        at = [g + (k - (len(values) - 1) / 2) * height for g in range(len(groups))]
        pairs = [(y, v) for y, v in zip(at, series, strict=True) if v is not None]
        bars = axes.barh([y for y, _ in pairs], [v for _, v in pairs], height, color=color(name))
        bars.set_label(name)
        if text and name == "picaflor":
            axes.bar_label(bars, fmt=text, padding=2, fontsize=7)
    axes.set_yticks(range(len(groups)), groups)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)


def rivals_of(results: Results) -> list[str]:
    return list(dict.fromkeys(name for result in results for name in result["rivals"]))


def train(results: Results) -> Any:
    figure, both = plt.subplots(1, 2, figsize=(10, 7), sharey=True, layout="constrained")
    for axes, rule in zip(both, ("sgd", "adam"), strict=True):
        chosen = [result for result in results if result["optimizer"] == rule]
        groups = [f"{result['network']}\nbatch {result['batch']}" for result in chosen]
        values = {
            name: [
                100 * result["rivals"][name]["samples_per_second"] / result["limit"]
                if name in result["rivals"]
                else None
                for result in chosen
            ]
            for name in rivals_of(chosen)
        }
        grouped_bars(axes, groups, values, "%.0f %%")
        axes.set_xlim(0, 1.08 * max(100, *values["picaflor"]))
        axes.axvline(100, color="0.3", linewidth=1)
        axes.set_title({"sgd": "training, SGD", "adam": "training, Adam"}[rule])
        axes.set_xlabel("% of the limit set by the matrix products")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure


def infer(results: Results) -> Any:
    figure, both = plt.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
    for axes, what in zip(both, ("latency", "predict"), strict=True):
        chosen = [result for result in results if result["what"] == what]
        names = [name for name in rivals_of(chosen) if " " not in name]
        groups = [result["network"] for result in chosen]
        if what == "latency":
            values: dict[str, list[float | None]] = {
                name: [1e6 * result["rivals"][name]["p50"] for result in chosen] for name in names
            }
            grouped_bars(axes, groups, values, "%.1f")
            axes.set(title="one row, half of the calls", xlabel="microseconds (shorter is better)")
        else:
            values = {
                name: [
                    100 * result["rivals"][name]["rows_per_second"] / result["limit"]
                    for result in chosen
                ]
                for name in names
            }
            grouped_bars(axes, groups, values, "%.0f %%")
            axes.set_xlim(0, 108)
            axes.axvline(100, color="0.3", linewidth=1)
            axes.set(title=f"{chosen[0]['rows']} rows", xlabel="% of the limit")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure


def kernels(results: Results) -> Any:
    figure, both = plt.subplots(
        1, 2, figsize=(11, 7), layout="constrained", gridspec_kw={"width_ratios": [1, 1.1]}
    )
    functions = [r for r in results if r["shape"].isdigit() and "step" not in r["kernel"]]
    functions += [r for r in results if r["shape"].endswith("x100") and "dense" not in r["kernel"]]
    others = [r for r in results if r["kernel"].startswith(("dense", "softmax_cross"))]
    others += [r for r in results if r["kernel"].endswith("step")]
    kinds = dict.fromkeys((r["kernel"], r["dtype"]) for r in functions)
    shades = {kernel: f"C{k}" for k, kernel in enumerate(dict.fromkeys(k for k, _ in kinds))}
    for kernel, dtype in kinds:
        chosen = [r for r in functions if (r["kernel"], r["dtype"]) == (kernel, dtype)]
        sizes = [prod(map(int, r["shape"].split("x"))) for r in chosen]
        both[0].plot(
            sizes,
            [r["ratio"] for r in chosen],
            "-o" if dtype == "float32" else "--s",
            color=shades[kernel],
            markersize=4,
            label=kernel if dtype == "float32" else None,
        )
    both[0].axhline(1, color="0.3", linewidth=1)
    both[0].set(
        xscale="log",
        yscale="log",
        xlabel="elements",
        ylabel="times as fast as the best peer",
        title="functions (solid float32, dashed float64)",
    )
    both[0].yaxis.set_major_formatter("{x:g}")
    both[0].yaxis.set_minor_formatter("{x:g}")
    both[0].grid(color="0.9", which="both")
    both[0].legend(ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
    labels = [f"{r['kernel']}  {r['shape']}" for r in others]
    lead = [r["ratio"] - 1 for r in others]  # bars grow from 1: to the right where we are faster
    both[1].barh(labels, lead, left=1, color=color("picaflor"))
    both[1].axvline(1, color="0.3", linewidth=1)
    both[1].set_ylim(len(labels) - 0.5, -0.5)
    both[1].tick_params(axis="y", length=0, labelsize=7)
    both[1].set(
        xscale="log", xlabel="times as fast as the best peer", title="losses, layers, optimizers"
    )
    both[1].xaxis.set_major_formatter("{x:g}")
    both[1].xaxis.set_minor_formatter("{x:g}")
    both[1].tick_params(axis="x", which="both", labelsize=7)
    both[1].grid(axis="x", color="0.9", which="both")
    both[1].set_axisbelow(True)
    return figure


def footprint(results: Results) -> Any:
    figure, three = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
    names = [result["name"] for result in results]
    for axes, key, scale, title in zip(
        three,
        ("import_seconds", "training_bytes", "installed_bytes"),
        (1e3, 1e-6, 1e-6),
        ("import, ms beyond numpy", "training, MB beyond the data", "installed, MB"),
        strict=True,
    ):
        values = [max((result[key] or 0) * scale, 0) for result in results]
        bars = axes.barh(names, values, color=[color(name) for name in names])
        missing = [result[key] is None for result in results]
        axes.bar_label(
            bars,
            [
                "-" if none else f"{value:.1f}" if value < 100 else f"{value:.0f}"
                for none, value in zip(missing, values, strict=True)
            ],
            padding=2,
            fontsize=8,
        )
        axes.set(title=title)
        axes.margins(x=0.2)
        axes.tick_params(axis="y", length=0)
    three[0].invert_yaxis()
    return figure


def scaling(results: Results) -> Any:
    figure, four = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
    titles = {
        "batch": "784-256-10, by batch",
        "width": "256-n-n-10 at batch 64, by width n",
        "rows": "64-100-10 at batch 32, by rows",
    }
    for axes, (what, title) in zip(four.flat, titles.items(), strict=False):
        chosen = [result for result in results if result["what"] == what]
        for name in rivals_of(chosen):
            points = [
                (r["value"], 1e6 / r["rivals"][name]["samples_per_second"])
                for r in chosen
                if name in r["rivals"]
            ]
            style = {"linewidth": 2.2, "zorder": 3} if name == "picaflor" else {}
            axes.plot(
                *zip(*points, strict=True),
                "-o",
                color=color(name),
                label=name,
                markersize=3,
                **style,
            )
        axes.set(xscale="log", yscale="log", title=title, xlabel=what, ylabel="us per sample")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter("")
        axes.grid(color="0.9", which="both")
    four.flat[0].legend()
    last = four.flat[3]
    threads = [result for result in results if result["what"] == "threads"]
    for network, batch in dict.fromkeys((r["network"], r["batch"]) for r in threads):
        chosen = [r for r in threads if (r["network"], r["batch"]) == (network, batch)]
        last.plot(
            [r["value"] for r in chosen],
            [r["rivals"]["picaflor"]["speedup"] for r in chosen],
            "-o",
            markersize=3,
            label=f"{network}, {batch}",
        )
    counts = sorted({r["value"] for r in threads})
    last.plot(counts, counts, color="0.7", linestyle=":", label="proportional")
    last.set(title="picaflor, by threads", xlabel="threads", ylabel="speed-up", xticks=counts)
    last.grid(color="0.9")
    last.legend(fontsize=7)
    return figure
