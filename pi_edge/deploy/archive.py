"""The agent as one file that Python runs: modules and what they import, in a zip archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from pi_edge.deploy.manifest import ROOT

_MAIN = "import sys\nfrom pi_edge.deploy.agent.main import main\nsys.exit(main())\n"

# What the agent imports beside its own modules; tests/deploy sees to it that nothing is missing.
_MODULES = (
    "pi_edge/__init__.py",
    "pi_edge/errors.py",
    "pi_edge/files.py",
    "pi_edge/tls.py",
    "pi_edge/benchmark/__init__.py",
    "pi_edge/benchmark/emulation.py",
    "pi_edge/deploy/__init__.py",
    "systemd/pi-edge-activate.service",
)
# These stand at the top: scripts/lib is no package.
_LIBRARY = ("interpreter.py", "pip_install.py", "progress.py")

# Reads an archive of so many bytes and becomes it, while the rest of the input is still to come.
BOOT = """
import os, sys, tempfile
left = int(sys.argv[1])
with tempfile.NamedTemporaryFile(prefix="pi-edge-", suffix=".pyz") as file:
    while left:
        piece = os.read(0, left)
        if not piece:
            sys.exit(1)
        file.write(piece)
        left -= len(piece)
    file.flush()
    sys.path.insert(0, file.name)
    from pi_edge.deploy.agent.main import main
    sys.exit(main(file.name))
"""


def build(root: Path = ROOT) -> bytes:
    """The archive; the same bytes for the same modules."""
    agent = sorted((root / "pi_edge/deploy/agent").glob("*.py"))
    contents = {"__main__.py": _MAIN.encode()}
    for name in (*_MODULES, *(str(path.relative_to(root)) for path in agent)):
        contents[name] = (root / name).read_bytes()
    for name in _LIBRARY:
        contents[name] = (root / "scripts/lib" / name).read_bytes()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return written.getvalue()
