"""Print how many bytes training takes at its peak beyond data and imports (Linux).

    python bench/training_memory.py picaflor 20000 1

The footprint suite runs this in a fresh process for each rival.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def status(key: str) -> int:
    """Return a line of /proc/self/status, in bytes."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def main() -> None:
    from networks import Network, problem
    from peers import open_peers

    name, rows, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    peer = open_peers([name] if name != "picaflor" else [], threads)[-1]
    task = problem(Network((784, 256, 10), 64), "sgd", rows)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    train = peer.trainer(task)
    assert train is not None
    for _ in range(2):
        train(True)
    print(status("VmHWM") - before)


if __name__ == "__main__":
    main()
