"""``python -m pi_edge`` is ``pi-edge``."""

import sys

from pi_edge.cli import main

sys.exit(main())
