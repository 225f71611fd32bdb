"""``python -m picaflor``: the same as the command ``picaflor``."""

import sys

from picaflor.cli import main

if __name__ == "__main__":
    sys.exit(main())
