"""Run in a PID namespace of its own: takes a good part of the memory that is available, and sees
that the doctor finds who has it, and that its command gives it back."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pi_edge.doctor.machine_state import check_memory
from pi_edge.doctor.patient import Patient

HOG = """
import signal, sys
taken = b"1" * int(sys.argv[1])
print("full", flush=True)
signal.pause()
"""


def available() -> int:
    return int(re.findall(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())[0]) * 1024


before = available()
patient = Patient(settings=None)  # type: ignore[arg-type]
size = min(before // 3, 3 * 10**9)
enough = before - size // 2  # others may take or give back as much meanwhile
with subprocess.Popen([sys.executable, "-c", HOG, str(size)], stdout=subprocess.PIPE) as hog:
    assert hog.stdout
    assert hog.stdout.readline() == b"full\n"
    (found,) = check_memory(patient, low=enough, short=enough)
    assert found.level == "fail", found
    assert f"(process {hog.pid}," in found.text, found
    assert found.command == f"kill {hog.pid}", found
    subprocess.run(["sh", "-c", found.command], check=True)
(found,) = check_memory(patient, low=enough, short=enough)
assert found.level == "ok", found
