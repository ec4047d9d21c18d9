"""Where the repository and the package lie, for tests that read their files."""

from pathlib import Path

import mss_lab

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(mss_lab.__file__).resolve().parent
NOTEBOOKS = ROOT / "notebooks"
