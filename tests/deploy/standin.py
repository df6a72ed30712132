"""A machine to deploy to that boots in seconds: Debian under a real systemd with a real sshd, in a
container of this machine's own architecture, without any network but the one that ssh is given."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from container import Container
from support import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-edge" / "trees"
RELAY = Path(__file__).with_name("relay.py")
# What Raspberry Pi OS Lite has, of it.
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "sudo", "iproute2"),
    *("python3", "python3-venv", "ca-certificates"),
)
SUITE = "bookworm"
# A user whom sudo asks nothing, as Raspberry Pi OS has, and one who is nobody.
HOOKS = (
    'useradd -R "$1" -m -s /bin/bash pi',
    'useradd -R "$1" -m -s /bin/bash plain',
    'echo "127.0.1.1 $(cat "$1/etc/hostname")" >>"$1/etc/hosts"',
    """echo 'pi ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/pi" """,
)

# $1 folder for what changes, $2 tree, $3 public key. The disk is there for as long as this runs.
_DISK = """
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
root=$1/root
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$root"
install -d -o 1000 -g 1000 -m 700 "$root/home/pi/.ssh"
install -o 1000 -g 1000 -m 600 "$3" "$root/home/pi/.ssh/authorized_keys"
cp -r "$root/home/pi/.ssh" "$root/home/plain"
chown -R 1001:1001 "$root/home/plain/.ssh"
echo there
exec cat
"""

# Becomes a command in the control group $1: containers that share one take each other's services
# for their own.
_IN_CONTROL_GROUP = """
mkdir -p "$1"
echo $$ >"$1/cgroup.procs"
shift
exec "$@"
"""


def obstacle() -> str:
    """Why this machine cannot have a stand-in; "" where it can."""
    if os.geteuid() != 0:
        return "booting a container needs root"
    needed = {
        **{"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container"},
        **{"nsenter": "util-linux", "ssh": "openssh-client", "ssh-keygen": "openssh-client"},
    }
    for command, package in needed.items():
        if not shutil.which(command):
            return f"no {command}: apt install {package}"
    return ""


def tree() -> Path:
    """The folder that stand-ins start from, made where it is not cached."""
    recipe = hashlib.sha256(repr((PACKAGES, SUITE, HOOKS)).encode()).hexdigest()[:12]
    folder = CACHE / f"standin-{recipe}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "standin.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for stale in CACHE.glob("standin-*"):
                shutil.rmtree(stale)
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--format=directory"),
            f"--include={','.join(PACKAGES)}",
            *(f"--customize-hook={hook}" for hook in HOOKS),
            *(SUITE, str(unfinished)),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    unfinished.rename(folder)


def control_groups() -> Path:
    """This process' control group, below which others may be made."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    mount = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
    return Path(mount + own)


class Standin(Container):
    """A booted stand-in. ``name`` is what scripts/deploy calls it."""

    def __init__(self, folder: Path, name: str = "emulated-pi-standin") -> None:
        """
        Args:
            folder: for its boot log and what ssh must know; several stand-ins may share it.
        """
        self.name, self.folder = name, folder
        base = tree()
        key = folder / "key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.group = control_groups() / f"pi-edge-{os.getpid()}-{name}"
        self.overlay = folder / f"{name}-overlay"
        self.overlay.mkdir()
        self.log = (folder / f"{name}.log").open("w+")
        self.disk = subprocess.Popen(
            [
                *("unshare", "--mount", "sh", "-ec", _DISK, "disk"),
                *(str(self.overlay), str(base), f"{key}.pub"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self.disk.stdout
        assert self.disk.stdout.readline() == b"there\n", self.told()
        self._tell_ssh(base)
        self.boot()

    def boot(self) -> None:
        """Switch it on."""
        self.process = subprocess.Popen(
            [
                *("sh", "-ec", _IN_CONTROL_GROUP, "sh", str(self.group)),
                *("nsenter", "--mount", "--target", str(self.disk.pid)),
                *("systemd-nspawn", "--quiet", f"--directory={self.overlay}/root"),
                f"--machine=pi-edge-{os.getpid()}-{self.name}",
                *("--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off"),
                *("--private-network", "--boot", "systemd.unified_cgroup_hierarchy=1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.wait_for(self.is_up)
        # ssh comes in by the network of its init.
        (self.folder / f"{self.name}.pid").write_text(str(self.leader()))

    def cut_power(self) -> None:
        """Switch it off in the middle of whatever it does."""
        os.kill(self.leader(), signal.SIGKILL)
        self.process.wait()

    def _tell_ssh(self, base: Path) -> None:
        enter = f"nsenter --target $(cat {self.folder}/{self.name}.pid) --net"
        with (self.folder / "ssh_config").open("a") as config:
            config.write(
                f"Host {self.name}\n"
                f"    HostKeyAlias {self.name}\n"
                f"    ProxyCommand {enter} {sys.executable} {RELAY} {self.name}\n"
                f"    IdentityFile {self.folder}/key\n"
                "    IdentitiesOnly yes\n"
                f"    UserKnownHostsFile {self.folder}/known_hosts\n"
                "    User pi\n"
            )
        public = (base / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        with (self.folder / "known_hosts").open("a") as known:
            known.write(f"{self.name} {public[0]} {public[1]}\n")

    def root(self) -> Path:
        """Its files, as this machine sees them."""
        return Path(f"/proc/{self.leader()}/root")

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a shell command in it as root; its output is a pipe."""
        return subprocess.Popen(self.inside(command), stdout=subprocess.PIPE, text=True)

    def serving(self) -> str:
        """ID of the release that its daemon runs from."""
        pid = self.show("MainPID")
        command = self.run(f"tr '\\0' ' ' </proc/{pid}/cmdline", check=False).split()
        return Path(command[0]).parts[4] if command else ""

    def current(self) -> str:
        """ID of the release that ``current`` names."""
        return Path(self.run("readlink /opt/pi-edge/current", check=False).strip()).name

    def relays(self) -> list[int]:
        """Process IDs of what passes ssh's bytes on to it."""
        mark = f"{RELAY}\0{self.name}\0".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cmdline").read_bytes().endswith(mark):
                    found.append(int(process.name))
        return found

    def close(self) -> None:
        super().close()
        assert self.disk.stdin
        self.disk.stdin.close()
        self.disk.wait()
        for group in sorted([self.group, *self.group.rglob("*/")], reverse=True):
            with contextlib.suppress(OSError):
                group.rmdir()


class Laptop:
    """A checkout of its own to deploy from, with a state folder of its own."""

    def __init__(self, folder: Path, boards: Path) -> None:
        self.checkout, self.state = folder / "checkout", folder / "state"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", "pi_edge", "models", "scripts", "systemd", "setup.cfg"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.checkout / name)
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(self.checkout),
            "PI_EDGE_BOARDS": str(boards),
            "PI_EDGE_STATE": str(self.state),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start scripts/deploy, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "pi_edge.deploy", *arguments],
            cwd=self.checkout,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def deploy(self, *arguments: str, code: int = 0) -> str:
        """Run scripts/deploy to its end; what it printed."""
        process = self.start(*arguments)
        out, said = process.communicate()
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{said}"
        return out

    def change(self, path: str, change: Callable[[str], str]) -> None:
        """Edit a file of the checkout."""
        file = self.checkout / path
        file.write_text(change(file.read_text()))
