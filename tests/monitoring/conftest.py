"""Where helpers lie that other tests have already."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "server"))
