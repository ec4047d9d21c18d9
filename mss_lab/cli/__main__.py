"""`python -m mss_lab.cli` is `mss-lab`."""

import sys

from . import main

sys.exit(main())
