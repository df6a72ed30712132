"""This machine's own root below a throw-away overlay, booted by systemd-nspawn. Nothing outside
that container changes, and it has no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import file_pins
from container import Container
from support import ROOT, missing

PYTHON = "/opt/pi-edge/.venv/bin/python"
DROP_IN = "/etc/systemd/system/pi-edge.service.d"

BOOT = """
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
shift
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --link-journal=no \
    --private-network "$@" --boot \
    systemd.unified_cgroup_hierarchy=1 systemd.unit=basic.target
"""

# What scripts/run leaves behind, without its downloads: the packages are those of this run.
INSTALL = r"""
mkdir -p /home/pi/pi-edge /opt/pi-edge
cd /mnt/checkout
cp -r pi_edge models scripts systemd setup.cfg pyproject.toml /home/pi/pi-edge
/mnt/python/bin/python3 -m venv --without-pip /opt/pi-edge/.venv
cd /opt/pi-edge/.venv
printf '%s\n' /opt/pi-edge /mnt/packages /mnt/tests /mnt/pins >here.pth
mv here.pth lib/python3*/site-packages
cat >bin/pi-edge <<'EOF'
#!/opt/pi-edge/.venv/bin/python
import sys
from pi_edge.cli import main
sys.exit(main())
EOF
chmod +x bin/pi-edge
PYTHONPATH=/home/pi/pi-edge/scripts/lib bin/python - >pi-edge.json <<'EOF'
import dataclasses, json, environment
probed = environment._probe("/opt/pi-edge/.venv/bin/python")
stamp = environment.Stamp("/opt/pi-edge", probed, "litert", environment._required(["litert"]))
print(json.dumps(dataclasses.asdict(stamp)))
EOF
"""


class Machine(Container):
    """A booted container with pi-edge's service."""

    patience = 90.0

    def __init__(self, folder: Path) -> None:
        pins = folder / "pins"
        file_pins.environment(pins)
        places = {
            ROOT: "/mnt/checkout",
            Path(sys.base_prefix): "/mnt/python",
            Path(sysconfig.get_path("purelib")): "/mnt/packages",
            ROOT / "tests": "/mnt/tests",
            pins: "/mnt/pins",
        }
        overlay = folder / "overlay"
        overlay.mkdir()
        boot = ["unshare", "--mount", "sh", "-ec", BOOT, "boot", str(overlay)]
        options = [f"--bind-ro={source}:{place}" for source, place in places.items()]
        options.append(f"--machine=pi-edge-test-{os.getpid()}")
        self.log = (folder / "boot.log").open("w+")
        self.process = subprocess.Popen(
            [*boot, *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.wait_for(self.is_up)

    def pin(self) -> str:
        return self.run("cat /var/lib/pi-edge/pins/GPIO17", check=False)

    def status(self) -> dict[str, Any]:
        """The daemon's /status."""
        code = (
            "import urllib.request as r;"
            "print(r.urlopen('http://127.0.0.1:8080/status').read().decode())"
        )
        return cast(dict[str, Any], json.loads(self.run(f'{PYTHON} -c "{code}"')))

    def drop_in(self, name: str, text: str) -> None:
        """Change settings of the unit."""
        self.run(f"mkdir -p {DROP_IN}; printf '[Service]\\n{text}\\n' >{DROP_IN}/{name}.conf")
        self.run("systemctl daemon-reload")


@contextmanager
def installed(folder: Path) -> Iterator[Machine]:
    """A machine on which the service was installed as its owner does, with a light."""
    if os.geteuid() != 0:
        missing("booting a container needs root")
    for program in ("systemd-nspawn", "nsenter", "unshare"):
        if not shutil.which(program):
            missing(f"no {program}: apt install systemd-container util-linux")
    machine = Machine(folder)
    try:
        machine.run(INSTALL)
        machine.drop_in(
            "test",
            "Environment=GPIOZERO_PIN_FACTORY=file FILE_PINS=/var/lib/pi-edge/pins\\n"
            "Environment=LD_LIBRARY_PATH=/mnt/python/lib\\n"
            "ExecStartPre=mkdir -p /var/lib/pi-edge/pins",
        )
        machine.run("useradd --create-home maker")
        machine.run(
            "SUDO_USER=maker /home/pi/pi-edge/scripts/install-service"
            " || { journalctl --unit=pi-edge; false; }"
        )
        yield machine
    finally:
        machine.close()
