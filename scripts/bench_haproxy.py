"""What one address for several daemons costs and brings: requests a second through HAProxy as
docs/haproxy.cfg sets it up, beside those of one daemon asked directly."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench_serving import load
from running import running_daemon

from pi_edge.errors import PiEdgeError

CONFIG = Path(__file__).resolve().parent.parent / "docs" / "haproxy.cfg"
MODEL = "mnist-cnn"
_PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def written(folder: Path, port: int, servers: Sequence[int], **changes: str) -> Path:
    """docs/haproxy.cfg for other ports, and for one or two servers.

    Args:
        port: where it listens.
        servers: ports of the daemons.
        changes: settings that get other values, with _ for the blanks in their names.
    """
    text = CONFIG.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    for name, before, after in zip(("one", "two"), (8081, 8082), servers, strict=False):
        text = text.replace(f"server {name} 127.0.0.1:{before}", f"server {name} 127.0.0.1:{after}")
    kept = [line for line in text.splitlines() if len(servers) > 1 or "server two" not in line]
    for setting, value in changes.items():
        name = setting.replace("_", " ")
        found = [line for line in kept if line.strip().startswith(f"{name} ")]
        assert len(found) == 1, f"{CONFIG} has no one line for {name}"
        kept[kept.index(found[0])] = f"    {name} {value}"
    file = folder / f"haproxy-{port}.cfg"
    file.write_text("\n".join(kept) + "\n")
    return file


@contextlib.contextmanager
def haproxy(folder: Path, servers: Sequence[int], **changes: str) -> Iterator[str]:
    """HAProxy in front of daemons; the address that it answers at, once it does."""
    port = free_port()
    config = written(folder, port, servers, **changes)
    process = subprocess.Popen(
        ["haproxy", "-db", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PiEdgeError(f"haproxy ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise PiEdgeError("haproxy does not answer")


def _image(folder: Path) -> load.Request:
    """A blank digit, as JSON."""
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": [0.0] * 784}
    body = folder / "image.json"
    body.write_text(json.dumps({"inputs": [tensor]}))
    return load.Request(body, {"Content-Type": "application/json"})


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench-haproxy", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement (8)")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts (3)")
    args = parser.parse_args()
    try:
        load.check_wrk()
        _measure(args.seconds, args.rounds)
    except FileNotFoundError as error:
        print(f"bench-haproxy: no {error.filename}: apt install haproxy", file=sys.stderr)
        return 1
    except PiEdgeError as error:
        print(f"bench-haproxy: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(seconds: int, rounds: int) -> None:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pi-edge-")))
        folder.chmod(0o755)
        request = _image(folder)
        daemons = [stack.enter_context(running_daemon(folder / name)) for name in ("a", "b")]
        ports = [daemon.port for daemon in daemons]
        addresses = {
            "one daemon, asked directly": daemons[0].url,
            "HAProxy and one daemon": stack.enter_context(haproxy(folder, ports[:1])),
            "HAProxy and two daemons": stack.enter_context(haproxy(folder, ports)),
        }
        for connections in (1, 8, 32):
            found: dict[str, list[load.Load]] = {name: [] for name in addresses}
            for _ in range(rounds):
                for name, address in addresses.items():
                    url = f"{address}/v2/models/{MODEL}/infer"
                    found[name].append(load.put(url, request, connections, seconds))
            for name, loads in found.items():
                middle = sorted(loads, key=lambda one: one.rate)[len(loads) // 2]
                print(
                    f"{connections:3} connections  {name:27}  {middle.rate:6.0f} a second"
                    f"  p50 {middle.p50_ms:6.2f} ms  p99 {middle.p99_ms:6.2f} ms",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
