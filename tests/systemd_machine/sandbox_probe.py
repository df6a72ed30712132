"""Runs as a service in pi-edge's own sandbox, tries what it must be able to do and what it must
not, and prints what came of each as JSON: "done", or why not."""

from __future__ import annotations

import ctypes
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
STATE = Path("/var/lib/pi-edge")
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x20000


def called(result: int | None) -> None:
    if result is None or result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path: str) -> Callable[[], object]:
    def attempt() -> None:
        Path(path).write_text("")
        Path(path).unlink()

    return attempt


def child(work: Callable[[], object]) -> Callable[[], object]:
    """Try it in a forked process."""

    def attempt() -> None:
        pid = os.fork()
        if not pid:
            code = 0
            try:
                work()
            except OSError as error:
                code = error.errno or 1
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise OSError(code, os.strerror(code))

    return attempt


def seal() -> None:
    handle = os.memfd_create("tensors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(handle, 1 << 16)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    mmap.mmap(handle, 1 << 16).madvise(mmap.MADV_REMOVE)


def end_by_pidfd() -> None:
    pid = os.fork()
    if not pid:
        time.sleep(600)
        os._exit(0)
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def pass_descriptors() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    socket.send_fds(one, [b"x"], [os.memfd_create("words")])
    assert socket.recv_fds(other, 1, 1)[1]


def listen() -> None:
    socket.create_server(("127.0.0.1", 0)).close()


def temporary() -> None:
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        file.write(b"x")


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))


def limit_cores() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def writable_and_executable() -> None:
    called(-1 if LIBC.mmap(None, 4096, 7, 0x22, -1, 0) == ctypes.c_void_p(-1).value else 0)


def made_executable() -> None:
    page = LIBC.mmap(None, 4096, 3, 0x22, -1, 0)
    called(LIBC.mprotect(ctypes.c_void_p(page), 4096, 5))


def become_root() -> None:
    """A program that belongs to root and has the set-user-ID bit."""
    said = subprocess.run(["/usr/local/bin/id-of-root", "-u"], capture_output=True, text=True)
    if said.stdout.strip() != "0":
        raise PermissionError(1, "it runs as the one who started it")


def set_user_id_bit() -> None:
    file = STATE / "bit"
    file.write_text("")
    try:
        file.chmod(0o4755)
    finally:
        file.unlink()


def raw(family: int, kind: int, protocol: int = 0) -> Callable[[], object]:
    return lambda: socket.socket(family, kind, protocol).close()


def read(path: str) -> Callable[[], object]:
    return lambda: os.close(os.open(path, os.O_RDONLY))


def use(path: str) -> Callable[[], object]:
    return lambda: os.close(os.open(path, os.O_RDWR))


NEEDED: dict[str, Callable[[], object]] = {
    "memfd, sealed, with holes": seal,
    "fork": child(lambda: None),
    "prctl": child(lambda: called(LIBC.prctl(1, signal.SIGKILL))),
    "pidfd": end_by_pidfd,
    "setrlimit of data": child(limit_memory),
    "setrlimit of cores": child(limit_cores),
    "oom_score_adj": child(lambda: Path("/proc/self/oom_score_adj").write_text("500")),
    "comm": child(lambda: Path("/proc/self/comm").write_text("model")),
    "nice": child(lambda: os.nice(10)),
    "descriptors": pass_descriptors,
    "listen": listen,
    "start a program": lambda: subprocess.run(["/bin/true"], check=True),
    "write the state": write(f"{STATE}/probe"),
    "write the models": write(f"{STATE}/models/.probe"),
    "write a temporary file": temporary,
    "read the board's revision": read("/proc/cpuinfo"),
    **{f"open {chip}": use(chip) for chip in map(str, Path("/dev").glob("gpiochip*"))},
}
FORBIDDEN: dict[str, Callable[[], object]] = {
    "list /home": lambda: list(Path("/home/pi").iterdir()),
    "list /root": lambda: list(Path("/root").iterdir()),
    "read a file below /home": read("/home/pi/pi-edge/README.md"),
    "read /etc/shadow": read("/etc/shadow"),
    "see init": lambda: Path("/proc/1").stat(),
    **{
        f"write {folder}": write(f"{folder}/probe")
        for folder in (
            *("/", "/etc", "/etc/pi-edge", "/usr", "/opt/pi-edge", "/boot", "/home", "/root"),
            *("/run", "/run/lock", "/var/lib", "/var/log", "/srv", "/mnt"),
            *("/dev/shm", "/dev/mqueue"),
        )
    },
    "write /proc/sys": lambda: Path("/proc/sys/kernel/hostname").write_text("x"),
    "write the control group": write("/sys/fs/cgroup/probe"),
    "raw IP": raw(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw packets": raw(socket.AF_PACKET, socket.SOCK_RAW),
    "netlink": raw(socket.AF_NETLINK, socket.SOCK_RAW),
    "Bluetooth": raw(31, socket.SOCK_RAW),
    "a program's set-user-ID bit": become_root,
    "setting a set-user-ID bit": set_user_id_bit,
    "setuid": lambda: os.setuid(0),
    "memory that is writable and executable": writable_and_executable,
    "memory that becomes executable": made_executable,
    "a user namespace": child(lambda: called(LIBC.unshare(CLONE_NEWUSER))),
    "a network namespace": child(lambda: called(LIBC.unshare(CLONE_NEWNET))),
    "a mount namespace": child(lambda: called(LIBC.unshare(CLONE_NEWNS))),
    "mount": lambda: called(LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None)),
    "chroot": child(lambda: os.chroot("/")),
    "the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "the host's name": lambda: socket.sethostname("x"),
    "personality": lambda: called(LIBC.personality(0x0040000)),
    "real-time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "ptrace": lambda: called(LIBC.ptrace(16, os.getppid(), 0, 0)),
    "/dev/mem": read("/dev/mem"),
    "the kernel's log": read("/dev/kmsg"),
}


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {error}"
    return "done"


if __name__ == "__main__":
    lines = Path("/proc/self/status").read_text().splitlines()
    print(
        json.dumps(
            {
                "needed": {name: outcome(attempt) for name, attempt in NEEDED.items()},
                "forbidden": {name: outcome(attempt) for name, attempt in FORBIDDEN.items()},
                "status": dict(line.split(":\t", 1) for line in lines if ":\t" in line),
            }
        )
    )
