"""picaflor against its peers on this machine, now.

    python bench/run.py [--suite train|infer|kernels|footprint|scaling] [--quick]
                        [--peers numpy,torch,jax,sklearn,onnxruntime] [--threads N]
                        [--clock wall|cpu] [--json FILE] [--plot FILE]

Without --suite all suites run. Rivals get the same data, must give the same results, and take
turns in one process; those that are not installed are left out with a line that says so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
from typing import Any

import machine

SUITES = ("train", "infer", "kernels", "footprint", "scaling")


def arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=SUITES, help="default: all of them")
    parser.add_argument(
        "--peers",
        default="numpy,torch,jax,sklearn,onnxruntime",
        help="comma-separated, default %(default)s",
    )
    parser.add_argument("--threads", type=int, default=1, help="of every rival, default 1")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: count processor time, for a look on a busy machine with one thread",
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--plot", metavar="FILE", help="draw them (PNG, SVG or PDF; matplotlib)")
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="fewer rounds, smaller data")
    effort.add_argument("--smoke", action="store_true", help="smallest sizes: does it run?")
    given = parser.parse_args()
    given.peers = [name.strip() for name in given.peers.split(",") if name.strip()]
    unknown = set(given.peers) - {"numpy", "torch", "jax", "sklearn", "onnxruntime"}
    if unknown:
        parser.error(f"--peers: no such peer: {', '.join(sorted(unknown))}")
    if given.clock == "cpu" and (given.threads > 1 or given.suite not in ("train", "kernels")):
        parser.error("--clock cpu is for --suite train or kernels with one thread")
    if given.threads < 1:
        parser.error(f"--threads must be at least 1, got {given.threads}")
    return given


def main() -> None:
    given = arguments()
    machine.pin(given.threads)  # before NumPy is imported by what follows
    from effort import EFFORTS
    from peers import open_peers
    from timing import rest_between_turns, use_clock

    effort = EFFORTS["smoke" if given.smoke else "quick" if given.quick else "full"]
    peers = open_peers(given.peers, given.threads)
    report: dict[str, Any] = machine.describe(given.threads)
    use_clock(given.clock)
    rest_between_turns(given.threads)
    report["effort"], report["clock"] = effort.name, given.clock
    report["versions"] = {peer.name: peer.version for peer in peers}
    peak = machine.peak_gflops(seconds=0.05 if given.smoke else 1.0)
    report["peak_gflops"] = peak
    print(
        f"{report['cpu']}, {report['cpus']} CPUs, {report['system']}; "
        f"load {report['load_before']}\n"
        f"level {report['level']}, {given.threads} thread(s), float32 unless said; "
        f"one core reaches {peak:.1f} GFLOP/s in products\n"
        + ", ".join(f"{name} {version}" for name, version in report["versions"].items())
        + f"; {effort.name} run, {given.clock} clock"
    )
    report["suites"] = {}
    for suite in SUITES if given.suite is None else [given.suite]:
        print(f"\n-- {suite}")
        module = importlib.import_module(f"suite_{suite}")
        results = module.run(peers, effort, peak, given.threads)
        report["suites"][suite] = results
        if given.plot:
            from plots import draw

            path = pathlib.Path(given.plot)
            if given.suite is None:
                path = path.with_stem(f"{path.stem}-{suite}")
            draw(suite, results, report, path)
            print(f"drawn: {path}")
    report["load_after"] = machine.load_average()
    report["peak_gflops_at_end"] = machine.peak_gflops(seconds=0.05 if given.smoke else 1.0)
    print(
        f"\nat the end: load {report['load_after']}, "
        f"one core reaches {report['peak_gflops_at_end']:.1f} GFLOP/s"
    )
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
