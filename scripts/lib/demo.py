"""scripts/run --demo: start the daemon, send one real input to each shipped model, measure
briefly, stop. Exits 0 only if every model answered, and answered right."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
PI_EDGE = str(ROOT / ".venv" / "bin" / "pi-edge")
START_SECONDS = 300  # an emulated processor takes its time
STOP_SECONDS = 60


class Failed(Exception):
    """The demo did not work; the message is the line to print."""


@dataclass(frozen=True)
class Question:
    """A real input for one model.

    Attributes:
        what: it in words.
        body: what is sent.
        content_type: its media type.
        told: the answer in words; "" where the answer is wrong. A picture comes as
            {"variant", "picture": its bytes, "seconds": until it was here}.
        query: further parameters of the route.
    """

    what: str
    body: bytes
    content_type: str
    told: Callable[[dict[str, Any]], str]
    query: str = ""


def picture(folder: Path, about: dict[str, Any]) -> Question:
    """A photographed seven."""

    def told(answer: dict[str, Any]) -> str:
        if answer["digit"] != 7:
            return ""
        return f"7, {max(answer['digits'][0]['probabilities']):.1%} sure"

    file = ROOT / "docs/pictures/seven.jpg"
    return Question(file.name, file.read_bytes(), "image/jpeg", told)


def closes(folder: Path, about: dict[str, Any]) -> Question:
    """The closing prices of the model's check.npz as a CSV, with dates made up."""
    tickers = about["tickers"]
    with np.load(folder / "check.npz", allow_pickle=False) as check:
        prices = check["inputs/prices"][0].astype(float)
    lines = [",".join(["date", *tickers])]
    for date, row in zip(business_days(len(prices)), prices, strict=True):
        lines.append(",".join([date, *map(repr, row.tolist())]))

    def told(answer: dict[str, Any]) -> str:
        forecasts = answer["forecasts"]
        # stocks-levels shows how it is not done: a price below nothing is no surprise there.
        near = math.inf if folder.name == "stocks-levels" else 0.2
        right = [one["ticker"] for one in forecasts] == tickers and all(
            -math.inf < one["low"] <= one["forecast"] <= one["high"] < math.inf
            and abs(one["forecast"] / one["last"] - 1) < near
            for one in forecasts
        )
        first = forecasts[0]
        return right * (
            "{ticker} {last:.2f} -> {forecast:.2f} ({low:.2f} to {high:.2f}), ...".format(**first)
        )

    body = "\n".join(lines).encode()
    return Question(f"{len(prices)} days of {len(tickers)} stocks", body, "text/csv", told)


def business_days(count: int) -> Iterator[str]:
    """Consecutive Mondays to Fridays."""
    monday = datetime.date(2024, 1, 1)
    for number in range(count):
        yield str(monday + datetime.timedelta(days=number // 5 * 7 + number % 5))


def fires(folder: Path, about: dict[str, Any]) -> Question:
    """A district of Chicago with 12.5 fires per 1,000 houses."""

    def told(answer: dict[str, Any]) -> str:
        (thefts,) = answer["predictions"]
        return f"{thefts:.2f} thefts" if abs(thefts - 33.4134) < 0.001 else ""

    return Question("12.5 fires", b'{"x": [12.5]}', "application/json", told)


def painting(folder: Path, about: dict[str, Any]) -> Question:
    """A photographed cat, to be painted; the picture stays where temporary files are."""
    style = "starry-night" if "starry-night" in about["styles"] else about["styles"][0]
    file = ROOT / "docs/pictures/chelsea.jpg"

    def told(answer: dict[str, Any]) -> str:
        with Image.open(file) as photo, Image.open(io.BytesIO(answer["picture"])) as picture:
            before, after = (
                np.asarray(image.convert("RGB")).astype(float) for image in (photo, picture)
            )
        if before.shape != after.shape:
            return ""
        # Painted: most pixels are others than before. And still that cat: detail where it had some.
        change = np.abs(after - before).mean()
        likeness = np.corrcoef(detail(before).ravel(), detail(after).ravel())[0, 1]
        if not (change > 10 and likeness > 0.5):
            return ""
        with tempfile.NamedTemporaryFile(
            prefix=f"pi-edge-{style}-", suffix=".jpg", delete=False
        ) as kept:
            kept.write(answer["picture"])
        size = f"{before.shape[1]} x {before.shape[0]} pixels"
        return f"{size} in {answer['seconds']:.1f} s, see {kept.name}"

    return Question(
        f"{file.name} as {style}", file.read_bytes(), "image/jpeg", told, f"style={style}"
    )


def detail(picture: np.ndarray) -> np.ndarray:
    """How steep a picture [h, w, 3] is, the mean over blocks of 8 x 8 pixels."""
    steep = np.hypot(*np.gradient(picture.mean(2)))
    height, width = (length // 8 for length in steep.shape)
    blocks = steep[: height * 8, : width * 8].reshape(height, 8, width, 8)
    return np.asarray(blocks.mean((1, 3)))


QUESTIONS = {"digits": picture, "stocks": closes, "regression": fires, "style": painting}


def main(arguments: Sequence[str]) -> int:
    """Run the demo; ``arguments`` are passed on to ``pi-edge serve``."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pi-edge-demo-") as state,
            daemon(state, arguments) as url,
        ):
            models = ask_all(url, own_token(state, arguments))
            bench(models)
    except Failed as failure:
        print(f"pi-edge: the demo failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pi-edge: stopped", file=sys.stderr)
        return 130
    print(f"\nAll {len(models)} models answered as they should.")
    return 0


@contextlib.contextmanager
def daemon(state: str, arguments: Sequence[str]) -> Iterator[str]:
    """A daemon that is ready, with a state folder of its own; yields its URL, then stops it."""
    host, port = address(arguments)
    scheme = "https" if is_secure(arguments) else "http"
    command = [PI_EDGE, "serve", "--state", state, *arguments, "--port", str(port)]
    environ = {"PI_EDGE_LOG_LEVEL": "warning", **os.environ}
    process = subprocess.Popen(command, env=environ)
    try:
        url = f"{scheme}://{host}:{port}"
        wait_until_ready(url, process)
        print(f"the daemon is ready at {url}\n", flush=True)
        yield url
        process.terminate()
        if process.wait(STOP_SECONDS):
            raise Failed(f"the daemon stopped with exit code {process.returncode}")
    except subprocess.TimeoutExpired:
        raise Failed(f"the daemon did not stop within {STOP_SECONDS} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def is_secure(arguments: Sequence[str]) -> bool:
    """Whether the daemon will speak HTTPS."""
    from pi_edge import config

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--tls-certificate")
    asked = parser.parse_known_args(list(arguments))[0]
    return bool(asked.tls_certificate or config.load({}, file=asked.config).tls_certificate)


def opened(request: urllib.request.Request) -> Any:
    """The answer of the daemon, which is this machine's own whatever its certificate says."""
    from pi_edge import tls

    secure = request.type == "https"
    return urllib.request.urlopen(  # nosec B310
        request, timeout=START_SECONDS, context=tls.own_context() if secure else None
    )


def own_token(state: str, arguments: Sequence[str]) -> str:
    """What the daemon demands that clients show: as set, else as it made it; "" for nothing."""
    from pi_edge import access_token, config

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    settings = config.load({}, file=parser.parse_known_args(list(arguments))[0].config)
    return settings.token or access_token.read(access_token.file_of(Path(state))) or ""


def address(arguments: Sequence[str]) -> tuple[str, int]:
    """Where the daemon will listen: as asked, else port 8080, else any that is free."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    asked = parser.parse_known_args(list(arguments))[0]
    host = "127.0.0.1" if asked.host in ("0.0.0.0", "::", "") else asked.host
    for port in [asked.port] if asked.port else [8080, 0]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return host, int(probe.getsockname()[1])
    raise Failed(f"{host} port {asked.port} cannot be had: choose another with --port N")


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until every model is ready, or quarantined and told in /status."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed("the daemon did not start")
        request = urllib.request.Request(f"{url}/v2/health/ready")
        with contextlib.suppress(OSError), opened(request):
            return
        time.sleep(0.1)
    raise Failed(f"the daemon was not ready within {START_SECONDS} s")


def ask_all(url: str, token: str) -> list[str]:
    """Send every shipped model its task's question and print the answers. Returns the names."""
    names = sorted(path.parent.name for path in (ROOT / "models").glob("*/model.json"))
    if not names:
        raise Failed("no model is shipped in models/")
    for name in names:
        folder = ROOT / "models" / name
        about = json.loads((folder / "model.json").read_bytes())
        task = about["task"]
        if task not in QUESTIONS:
            raise Failed(f"{name}: the demo has no input for the task {task!r}")
        question = QUESTIONS[task](folder, about)
        answer = ask(f"{url}/tasks/{task}?model={urllib.parse.quote(name)}", question, token)
        try:
            told = question.told(answer)
        except (LookupError, TypeError, ValueError, OSError):  # not even of the right shape
            told = ""
        if not told:
            said = json.dumps(answer, default=lambda picture: f"{len(picture)} bytes")
            raise Failed(f"{name} is wrong about {question.what}: {said}")
        print(f"{name:16} {answer['variant']:8} {question.what}: {told}", flush=True)
    return names


def ask(url: str, question: Question, token: str = "") -> dict[str, Any]:
    """The daemon's answer to one question."""
    url += f"&{question.query}" * bool(question.query)
    headers = {"Content-Type": question.content_type}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, question.body, headers)
    began = time.monotonic()
    try:
        with opened(request) as response:
            body = response.read()
            if response.headers.get_content_maintype() == "image":
                variant, seconds = response.headers["x-variant"], time.monotonic() - began
                return {"variant": variant, "picture": body, "seconds": seconds}
            answer: dict[str, Any] = json.loads(body)
            return answer
    except urllib.error.HTTPError as error:
        raise Failed(f"{url} answered {error.code}: {error.read().decode().strip()}") from None
    except OSError as error:
        raise Failed(f"{url} did not answer: {error}") from None


def bench(models: Sequence[str]) -> None:
    """A short benchmark of the models."""
    print(flush=True)
    command = [PI_EDGE, "bench", *models, "--threads", "1", "--variant", "float32"]
    if subprocess.run(command, check=False).returncode:
        raise Failed("pi-edge bench failed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
