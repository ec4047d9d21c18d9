"""`python -m mss_lab.cli` is `mss-lab`."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
