"""Stands in for `pi-edge learn MODEL OPTIONS`: learns nothing, and that until it is told to stop.
Says first what it finds of the sandbox it is in."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from pi_edge import config
from pi_edge.learning import stopping, told

if __name__ == "__main__":
    state = config.load({}).state
    with told.learning(state, sys.argv[1]) as tell, stopping.listening() as stop:
        interfaces = Path("/proc/self/net/dev").read_text().splitlines()
        found = {
            "arguments": sys.argv[1:],
            "interfaces": [line.partition(":")[0].strip() for line in interfaces[2:]],
            "devices": sorted(path.name for path in Path("/dev").glob("gpio*")),
            "policy": os.sched_getscheduler(0),
            "nice": os.nice(0),
            "out_of_memory": int(Path("/proc/self/oom_score_adj").read_text()),
            "writable": [place for place in ("/opt", "/etc", "/home") if os.access(place, os.W_OK)],
        }
        (state / "learning" / "found.json").write_text(json.dumps(found))
        while not stop:
            tell(epoch=1, epochs=1, loss=1.0, accuracy=0.5)
            time.sleep(0.01)
    sys.exit(stop.status)
