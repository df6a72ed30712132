"""Prometheus, and programs that come with it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from running import wait_until
from support import missing


def program(name: str) -> str:
    """Path of a program of Debian's package prometheus."""
    found = shutil.which(name)
    if not found:
        missing(f"no {name}: apt install prometheus")
    return str(found)


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer of its API."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(url, timeout=30) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]

    def values(self, expression: str) -> list[float]:
        """What a query gives at the last moment."""
        return [float(row["value"][1]) for row in self.get("query", query=expression)["result"]]

    def scrapes(self) -> float:
        """How many there were."""
        return sum(self.values("count_over_time(up[1h])"))

    def rules(self) -> list[dict[str, Any]]:
        """The alerts' rules."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]


@contextlib.contextmanager
def running_prometheus(file: Path) -> Iterator[Prometheus]:
    """A Prometheus with this configuration on a free port, its data beside it."""
    log = file.with_name("prometheus.log")
    command = [program("prometheus"), f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
    command.append(f"--storage.tsdb.path={file.with_name('tsdb')}")
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        ready = "Server is ready to receive web requests"
        wait_until(lambda: ready in log.read_text() or process.poll() is not None)
        found = re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)', log.read_text())
        assert found, log.read_text()
        yield Prometheus(f"http://127.0.0.1:{found[1]}")
    finally:
        process.terminate()
        process.wait(30)
