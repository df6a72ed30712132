"""``python -m pi_edge.deploy`` is what scripts/deploy runs."""

import sys

from pi_edge.deploy.cli import main

sys.exit(main())
