"""Each thing is broken, the command that pi-edge doctor prints is run, and its line is ok."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mending import Doctor
from running import RunningDaemon, drop_in, running_daemon, wait_until
from support import ROOT, missing

from pi_edge.cli import main
from pi_edge.doctor import checkup, machine_state, port, software
from pi_edge.doctor.findings import fail, ok
from pi_edge.doctor.patient import Patient
from pi_edge.listening import listen


@pytest.fixture
def free() -> int:
    """A port that nobody listens on."""
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def doctor(tmp_path: Path, shipped_models: Path, free: int) -> Doctor:
    """Looks at a daemon that is not running, with its own models, state and settings."""
    shutil.copytree(shipped_models / "mnist-linear", tmp_path / "shipped" / "mnist-linear")
    (tmp_path / "config.toml").write_text(f"port = {free}\n")
    folders = {"models": tmp_path / "shipped", "state": tmp_path / "state"}
    flags = [word for name, path in folders.items() for word in (f"--{name}", str(path))]
    return Doctor([*flags, "--config", str(tmp_path / "config.toml")])


@pytest.fixture
def daemon(doctor: Doctor, tmp_path: Path) -> Iterator[RunningDaemon]:
    """The daemon that it looks at, running."""
    flags = ("--models", str(tmp_path / "shipped"))
    with running_daemon(tmp_path / "state", *flags) as running:
        (tmp_path / "config.toml").write_text(f"port = {running.port}\n")
        yield running


def settle(doctor: Doctor, tmp_path: Path, line: str) -> None:
    with (tmp_path / "config.toml").open("a") as file:
        file.write(f"{line}\n")


def test_nothing_fails_where_nothing_is_wrong(doctor: Doctor) -> None:
    rows = doctor.rows()
    assert [check.name for check in checkup.CHECKS] == list(dict.fromkeys(r["check"] for r in rows))
    assert "fail" not in {row["level"] for row in rows}, rows


def test_it_reads_for_people_and_exits_1_when_something_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    flags = ["--models", str(tmp_path / "empty"), "--state", str(tmp_path / "state")]
    assert main(["doctor", "--quiet", *flags]) == 1
    lines = capsys.readouterr().out.splitlines()
    (at,) = (n for n, line in enumerate(lines) if line.startswith("fail  models"))
    assert lines[at + 1].startswith("                $ ")
    assert not any(line.startswith("ok") for line in lines)


def test_a_check_that_goes_wrong_itself_stops_no_other() -> None:
    def broken(patient: Patient) -> Iterator[object]:
        raise ValueError("no such\nluck")

    checks = (
        checkup.Check("one", broken, "", ""),  # type: ignore[arg-type]
        checkup.Check("two", lambda patient: iter([ok("fine")]), "", ""),
    )
    found = checkup.run(Patient(settings=None), checks)  # type: ignore[arg-type]
    (_, first), (_, second) = found
    assert first == fail("cannot be looked at: no such luck", words="report this line")
    assert second == ok("fine")


# Settings


def test_a_faulty_setting_is_taken_out_of_the_file(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, 'threads = "many"')
    doctor.mend(doctor.row("settings", "threads must be a whole number"))


def test_an_unknown_setting_is_taken_out_of_the_file(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, "nonsense = 2")
    doctor.mend(doctor.row("settings", "nonsense is no setting"))


def test_a_setting_that_was_mistyped_is_named_as_it_was_meant(
    doctor: Doctor, tmp_path: Path
) -> None:
    settle(doctor, tmp_path, "thread = 2")
    doctor.mend(doctor.row("settings", "thread is no setting: did you mean 'threads'?"))
    assert "threads = 2" in (tmp_path / "config.toml").read_text()


def test_a_faulty_setting_is_taken_out_of_the_environment(doctor: Doctor) -> None:
    doctor.environ = {"PI_EDGE_LED": "bright"}
    doctor.mend(doctor.row("settings", "PI_EDGE_LED"))


def test_what_is_no_settings_file_is_for_a_person_to_mend(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, "port = = 3")
    row = doctor.row("settings", "is not TOML")
    assert str(tmp_path / "config.toml") in row["advice"]


# Port


def test_who_has_the_port_is_named_and_ended(doctor: Doctor, free: int) -> None:
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(free)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: port.listener(Path("/proc"), free) == other.pid)
        row = doctor.row("port", f"{free} is taken by python")
        assert row["command"] == f"kill {other.pid}"
        doctor.mend(row)
        assert other.wait(30) < 0
    finally:
        other.kill()
        other.wait()


def test_another_port_is_chosen_where_nobody_is_seen_to_have_it(
    doctor: Doctor, free: int, tmp_path: Path
) -> None:
    # Held by this process, which the doctor, in a PID namespace of its own, cannot see.
    if os.geteuid() != 0:
        missing("another PID namespace needs root")
    doctor.before = ("unshare", "--pid", "--fork", "--mount-proc")
    with socket.create_server(("127.0.0.1", free)):
        row = doctor.row("port", "somebody else's process")
        doctor.mend(row)
    assert (tmp_path / "config.toml").read_text() == f"port = {free + 1}\n"


def test_an_address_that_is_not_here_is_put_right(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, 'host = "192.0.2.1"')
    doctor.mend(doctor.row("port", "this machine has no address 192.0.2.1"))
    assert 'host = "127.0.0.1"' in (tmp_path / "config.toml").read_text()


def test_the_daemons_own_port_is_told(doctor: Doctor, daemon: RunningDaemon) -> None:
    row = doctor.row("port", "is the daemon's", level="ok")
    assert str(daemon.process.pid) in row["found"]


def test_a_degraded_daemon_is_a_warning(doctor: Doctor, daemon: RunningDaemon) -> None:
    drop_in("custom", daemon.models)
    wait_until(lambda: daemon.model_state("custom") == "quarantined")
    assert doctor.row("port", "degraded", level="warn")["advice"] == "mend the models"


# Models


def test_a_damaged_model_of_ones_own_is_taken_away(doctor: Doctor, tmp_path: Path) -> None:
    own = tmp_path / "state" / "models" / "mnist-linear"
    shutil.copytree(tmp_path / "shipped" / "mnist-linear", own)
    with (own / "int8.tflite").open("ab") as file:
        file.write(b"\0")
    doctor.mend(doctor.row("models", "mnist-linear: int8.tflite is not the file"))


def test_the_version_before_is_brought_back(doctor: Doctor, tmp_path: Path) -> None:
    flags = ["--models", str(tmp_path / "shipped"), "--state", str(tmp_path / "state")]
    source = tmp_path / "shipped" / "mnist-linear"
    assert main(["models", "add", str(source), *flags]) == 0
    assert main(["models", "add", str(source), *flags]) == 0
    own = tmp_path / "state" / "models" / "mnist-linear"
    (own / "model.json").write_text("{")
    row = doctor.row("models", "is not a model.json")
    assert "models rollback mnist-linear" in row["command"]
    doctor.mend(row)
    assert json.loads((own / "model.json").read_text())["name"] == "mnist-linear"


def test_a_damaged_shipped_model_comes_back_from_git(tmp_path: Path, free: int) -> None:
    clone = tmp_path / "clone"
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for name in ("pi_edge", "models/mnist-linear"):
        shutil.copytree(ROOT / name, clone / name)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=clone, check=True)
    (clone / "models" / "mnist-linear" / "int8.tflite").unlink()
    environ = {"PYTHONPATH": str(clone), "PI_EDGE_PORT": str(free)}
    flags = ["--state", str(tmp_path / "state")]
    doctor = InClone(flags, environ, clone=clone)
    doctor.mend(doctor.row("models", "mnist-linear"))


class InClone(Doctor):
    """The code of another clone."""

    def __init__(self, flags: list[str], environ: dict[str, str], clone: Path) -> None:
        super().__init__(flags, environ, before=("env", "-C", str(clone)))


def test_a_link_that_leads_nowhere_is_removed(doctor: Doctor, tmp_path: Path) -> None:
    owned = tmp_path / "state" / "models"
    owned.mkdir(parents=True)
    (owned / "mine.tflite").symlink_to("gone.tflite")
    doctor.mend(doctor.row("models", "leads nowhere"))


def test_a_models_folder_that_is_not_there_is_another_one(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, f'models = "{tmp_path}/nowhere"')
    doctor.flags = [word for word in doctor.flags if word not in (
        "--models", str(tmp_path / "shipped"))]  # fmt: skip
    doctor.mend(doctor.row("models", "there is no models folder"))


def test_what_the_running_daemon_set_aside_is_taken_away(
    doctor: Doctor, daemon: RunningDaemon
) -> None:
    drop_in("custom", daemon.models)
    wait_until(lambda: daemon.model_state("custom") == "quarantined")
    row = doctor.row("models", "custom is set aside")
    assert "Digamma" in row["found"]
    subprocess.run(["bash", "-c", row["command"]], check=True, cwd=ROOT)
    wait_until(lambda: daemon.model_state("custom") is None)
    assert {one["level"] for one in doctor.rows("models")} == {"ok"}


def test_what_was_set_aside_before_the_daemon_stopped_is_told(
    doctor: Doctor, tmp_path: Path, free: int
) -> None:
    flags = ("--models", str(tmp_path / "shipped"))
    with running_daemon(tmp_path / "state", *flags, wait=False) as daemon:
        drop_in("custom", daemon.models)
        wait_until(lambda: daemon.model_state("custom") == "quarantined")
    doctor.mend(doctor.row("models", "custom is set aside: default: "))


# Token


def test_a_token_open_to_others_is_closed(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    token = tmp_path / "state" / "token"
    token.write_text("secret\n")
    token.chmod(0o644)
    doctor.mend(doctor.row("token", "is open to other users"))
    assert token.stat().st_mode & 0o777 == 0o600


def test_what_is_no_token_is_removed(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, 'host = "0.0.0.0"')
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "token").write_text("two words\n")
    doctor.mend(doctor.row("token", "there is no token in"))


def test_a_settings_file_that_holds_a_token_is_closed(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, 'token = "secret"')
    (tmp_path / "config.toml").chmod(0o644)
    doctor.mend(doctor.row("token", "is open to other users", level="warn"))


def test_the_token_itself_is_never_printed(doctor: Doctor, tmp_path: Path) -> None:
    settle(doctor, tmp_path, 'token = "a-secret-that-nobody-sees"')
    assert "a-secret-that-nobody-sees" not in json.dumps(doctor.rows())


# Disk


@pytest.fixture
def small_disk(doctor: Doctor, tmp_path: Path) -> Doctor:
    """The state folder on a file system of 100 MB, which the doctor's own processes see."""
    if os.geteuid() != 0:
        missing("mounting needs root")
    (tmp_path / "state").mkdir()
    mount = f"mount -t tmpfs -o size=100m none '{tmp_path}/state'"
    doctor.before = ("unshare", "--mount", "sh", "-ec", f'{mount}; FILL; exec "$@"', "sh")
    return doctor


def filled(doctor: Doctor, shell: str) -> Doctor:
    doctor.before = [word.replace("FILL", shell) for word in doctor.before]
    return doctor


def test_a_full_disk_is_freed_of_replaced_models(small_disk: Doctor, tmp_path: Path) -> None:
    previous = f"'{tmp_path}/state/models/.previous'"
    fill = f"mkdir -p {previous}; head -c 99M /dev/zero >{previous}/old.tflite"
    doctor = filled(small_disk, fill)
    doctor.mend(doctor.row("disk", "it is full"))


def test_a_disk_that_is_nearly_full_is_a_warning(small_disk: Doctor, tmp_path: Path) -> None:
    doctor = filled(small_disk, f"head -c 95M /dev/zero >'{tmp_path}/state/other'")
    assert "du -xh" in doctor.row("disk", "are free for", level="warn")["advice"]


def test_a_read_only_disk_is_mounted_for_writing(small_disk: Doctor, tmp_path: Path) -> None:
    doctor = filled(small_disk, f"mount -o remount,ro '{tmp_path}/state'")
    doctor.mend(doctor.row("disk", "is mounted read-only"))


def test_replaced_models_are_not_offered_for_a_disk_with_room(doctor: Doctor) -> None:
    assert doctor.row("disk", "are free for", level="ok")["command"] == ""


# Memory, clock, power, Python


def test_what_takes_most_memory_is_ended() -> None:
    if os.geteuid() != 0:
        missing("another PID namespace needs root")
    script = Path(__file__).with_name("memory_hog.py")
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_memory_is_fine_where_there_is_enough(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 948304 kB\nMemAvailable: 600000 kB\n")
    patient = Patient(settings=None, root=tmp_path)  # type: ignore[arg-type]
    assert list(machine_state.check_memory(patient)) == [ok("614.4 MB of 971.1 MB are available")]


def test_a_clock_before_the_installation_fails(doctor: Doctor) -> None:
    if not shutil.which("faketime"):
        missing("no faketime: apt install faketime")
    doctor.before = ("faketime", "1990-01-01 12:00:00")
    row = doctor.row("clock", "1990-01-01 12:00 UTC, before pi-edge was installed")
    assert row["command"] or row["advice"]


@pytest.mark.parametrize(
    ("word", "level", "found", "advice"),
    [
        ("0", "ok", "enough voltage", ""),
        ("50005", "fail", "now: under-voltage, throttled", "supply"),
        ("50000", "warn", "since it started, not now: under-voltage", "supply"),
        ("80008", "warn", "now: soft temperature limit", "cool it"),
        ("80000", "warn", "since it started, not now: soft temperature limit", "cool it"),
    ],
)
def test_what_the_firmware_tells_is_told(
    tmp_path: Path, word: str, level: str, found: str, advice: str
) -> None:
    file = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(f"{word}\n")
    patient = Patient(settings=None, root=tmp_path)  # type: ignore[arg-type]
    (finding,) = machine_state.check_power(patient)
    assert finding.level == level
    assert finding.text.startswith(found)
    assert advice in finding.words
    assert finding.command == ""


@pytest.mark.parametrize(
    ("version", "bits", "machine", "libc", "told"),
    [
        ((3, 11), 64, "aarch64", "glibc", ""),
        ((3, 13), 64, "aarch64", "glibc", ""),
        ((3, 11), 32, "armv7l", "glibc", ""),
        ((3, 11), 32, "aarch64", "glibc", ""),
        ((3, 13), 32, "armv7l", "glibc", "use a 64-bit Raspberry Pi OS"),
        ((3, 11), 32, "armv6l", "glibc", "use a Raspberry Pi 2"),
        ((3, 11), 32, "i686", "glibc", "use a 64-bit"),
        ((3, 9), 64, "aarch64", "glibc", "needs Python 3.11"),
        ((3, 12), 64, "x86_64", "", "Linux with glibc"),
    ],
)
def test_a_python_without_any_runtime_is_told(
    version: tuple[int, int], bits: int, machine: str, libc: str, told: str
) -> None:
    finding = software.judge(software.Interpreter(version, bits, machine, libc))
    assert finding.level == ("fail" if told else "ok")
    assert told in finding.words


def test_the_packages_looked_for_are_those_of_setup_cfg() -> None:
    text = (ROOT / "setup.cfg").read_text()
    required = text.partition("install_requires =")[2].partition("\n\n")[0].split()
    assert sorted(required) == sorted([software.NUMPY, *software.PACKAGES.values()])


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from pi_edge.cli import main; main(['doctor', '--json']);"
        "heavy = {'numpy', 'PIL', 'starlette', 'gpiozero', 'lgpio', 'ai_edge_litert'};"
        "print(heavy & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "set()\n"


def test_the_documentation_has_every_check_as_the_code_tells_it() -> None:
    assert checkup.table() in (ROOT / "docs" / "doctor.md").read_text()
