"""`python -m lab.demo`."""

from __future__ import annotations

import sys

from lab.demo import main

if __name__ == "__main__":
    sys.exit(main())
