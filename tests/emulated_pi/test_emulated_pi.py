"""pi-edge on 32- and 64-bit Raspberry Pi OS, as far as a Pi can be had without one: Debian's
ARM userland under emulation, the real set-up, the real daemon, asked over HTTP from outside."""

from __future__ import annotations

import io
import json
import shutil
import signal
import sys
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from pi_daemon import PATIENCE_SECONDS, Daemon, StartDaemon, shipped
from PIL import Image
from raspberry_pi import Pi
from support import ROOT

from pi_edge import tasks
from pi_edge.model import Model
from pi_edge.tasks import digits

# What the demo asks is asked here, too. (The scripts are no package.)
sys.path.append(str(ROOT / "scripts" / "lib"))

import demo

# The same picture through another JPEG decoder and another processor's float32 arithmetic.
TOLERANCE = 0.02
SEVEN = ROOT / "docs/pictures/seven.jpg"


def pictures() -> dict[str, tuple[bytes, str]]:
    """name -> body and media type: a photo-like seven, and four digits in a row on white paper."""
    with np.load(ROOT / "models/mnist-cnn/check.npz") as check:
        ink = np.hstack([np.pad(image, 8) for image in check["inputs/image"][:4]])
    row = io.BytesIO()
    paper = Image.fromarray((255 - ink).astype(np.uint8))
    paper.resize((paper.width * 3, paper.height * 3)).save(row, "PNG")
    return {"seven": (SEVEN.read_bytes(), "image/jpeg"), "row": (row.getvalue(), "image/png")}


def ask(url: str, body: bytes, content_type: str) -> dict[str, Any]:
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def numbers(answer: dict[str, Any]) -> list[float]:
    """All that an answer about prices or numbers says."""
    if "predictions" in answer:
        return list(answer["predictions"])
    return [one[key] for one in answer["forecasts"] for key in ("last", "forecast", "low", "high")]


def client(daemon: Daemon) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(
        daemon.url.removeprefix("http://"),
        connection_timeout=PATIENCE_SECONDS,
        network_timeout=PATIENCE_SECONDS,
    )


def test_set_up_chose_the_runtime_by_the_interpreter_s_pointer_size(pi: Pi, daemon: Daemon) -> None:
    expected = {
        "bookworm-armhf": ("armv7l", 32, "tflite-runtime", "2.14.0"),
        "bookworm-arm64": ("aarch64", 64, "ai-edge-litert", ""),
        "trixie-arm64": ("aarch64", 64, "ai-edge-litert", ""),
    }
    architecture, bits, runtime, version = expected[pi.recipe.name]
    machine, told = daemon.status()["machine"], daemon.status()["runtime"]
    assert (machine["architecture"], machine["pointer_bits"]) == (architecture, bits)
    assert told["name"] == runtime
    assert told["version"].startswith(version)


def test_status_says_that_the_machine_is_emulated(daemon: Daemon) -> None:
    assert daemon.status()["machine"]["emulated"] is True


def test_every_shipped_model_is_ready_in_every_variant(pi: Pi, daemon: Daemon) -> None:
    told = daemon.status()["models"]
    states = {
        (name, variant): told[name]["variants"][variant]["state"]
        for name, entry in shipped(pi).items()
        for variant in entry.files
    }
    assert states
    assert set(states.values()) == {"ready"}


def test_pictures_are_read_as_on_this_machine(pi: Pi, daemon: Daemon) -> None:
    for name, entry in shipped(pi).items():
        if entry.task != "digits":
            continue
        model = Model(entry.file()[1])
        for picture, (body, content_type) in pictures().items():
            if picture == "row" and name != digits.DEFAULT_MODEL:
                continue  # it is cut up the same way for each model, slowly
            here = digits.answer(digits.from_body(body, content_type), model.run, entry.info)
            there = ask(f"{daemon.url}/tasks/digits?model={name}", body, content_type)
            assert there["number"] == here["number"] != "", (name, picture)
            for one, other in zip(there["digits"], here["digits"], strict=True):
                assert one["digit"] == other["digit"], (name, picture)
                np.testing.assert_allclose(
                    one["probabilities"],
                    other["probabilities"],
                    atol=TOLERANCE,
                    err_msg=f"{name}, {picture}",
                )


def test_prices_and_numbers_are_answered_as_on_this_machine(pi: Pi, daemon: Daemon) -> None:
    for name, entry in shipped(pi).items():
        if entry.task in ("digits", "style"):
            continue
        question = demo.QUESTIONS[entry.task](pi.clone / "models" / name, dict(entry.info))
        task = tasks.get(entry.task)
        request = task.from_body(question.body, question.content_type)
        here = task.answer(request, Model(entry.file()[1]).run, entry.info)
        there = ask(
            f"{daemon.url}/tasks/{entry.task}?model={name}", question.body, question.content_type
        )
        assert question.told(there), there
        np.testing.assert_allclose(numbers(there), numbers(here), rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_inference_protocol_answers_what_check_npz_expects(
    pi: Pi, daemon: Daemon, binary: bool
) -> None:
    with client(daemon) as server:
        for name, entry in shipped(pi).items():
            with np.load(pi.clone / "models" / name / "check.npz") as check:
                arrays = dict(check)
            inputs = []
            for key in sorted(key for key in arrays if key.startswith("inputs/")):
                array = arrays[key]
                given = triton.InferInput(key.removeprefix("inputs/"), array.shape, "FP32")
                given.set_data_from_numpy(array, binary_data=binary)
                inputs.append(given)
            for variant in entry.files:
                expected = {
                    key.removeprefix(f"{variant}/"): array
                    for key, array in arrays.items()
                    if key.startswith(f"{variant}/")
                }
                wanted = [triton.InferRequestedOutput(o, binary_data=binary) for o in expected]
                answer = server.infer(name, inputs, model_version=variant, outputs=wanted)
                assert expected
                for output, array in expected.items():
                    np.testing.assert_allclose(
                        answer.as_numpy(output),
                        array,
                        rtol=0,
                        atol=float(entry.info["variants"][variant].get("tolerance", 1e-4)),
                        err_msg=f"{name} {variant} {output}",
                    )


def test_the_light_blinks_at_the_start_and_is_steady_when_ready(daemon: Daemon) -> None:
    transitions = daemon.first_light["transitions"]
    assert transitions[0]["state"] == "starting"  # perhaps not the first: the last 64 are told
    assert all(a["lit"] != b["lit"] for a, b in pairwise(transitions))
    assert len(transitions) > 2, "loading under emulation takes longer than one blink"
    assert daemon.first_light["shows"] == "ready"


def test_the_light_winks_for_an_inference(daemon: Daemon) -> None:
    before = daemon.status()["led"]["winks"]
    pixels = json.dumps({"pixels": [0] * 300 + [255] * 100 + [0] * 384}).encode()
    ask(f"{daemon.url}/tasks/digits?model=mnist-linear", pixels, "application/json")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ((led := daemon.status()["led"])["winks"] > before and led["lit"]):
        assert time.monotonic() < deadline, led
        time.sleep(0.1)
    wink = [(t["lit"], t["state"]) for t in led["transitions"][-2:]]
    assert wink == [(False, "ready"), (True, "ready")]


def test_sigterm_ends_the_daemon_cleanly_with_the_light_off(
    pi: Pi, start_daemon: StartDaemon
) -> None:
    few = pi.tree / "home/pi/few"  # all of them take an emulated processor long to load
    shutil.copytree(ROOT / "models/mnist-linear", few / "mnist-linear", dirs_exist_ok=True)
    daemon = start_daemon("--models", "/home/pi/few")
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(PATIENCE_SECONDS) == 0
    assert "LED (mock, GPIO17): stopped" in daemon.log.read_text()


def test_a_second_start_has_nothing_to_set_up(daemon: Daemon) -> None:
    assert "installing" not in daemon.log.read_text()


def test_predict_answers_without_a_daemon(pi: Pi) -> None:
    done = pi.run(".venv/bin/pi-edge", "predict", "fire-theft", "12.5", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["predictions"] == pytest.approx([33.4134], abs=0.001)
    assert done.stderr == ""


def test_models_verify_passes(pi: Pi) -> None:
    done = pi.run(".venv/bin/pi-edge", "models", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_bench_says_emulated_in_words(pi: Pi) -> None:
    command = ".venv/bin/pi-edge", "bench", "mnist-linear", "--variant", "int8", "--threads", "1"
    done = pi.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "emulated" in done.stdout.lower()


def test_tensorflow_is_not_installed(pi: Pi) -> None:
    installed = {
        path.name for path in Path(pi.tree).glob("home/pi/pi-edge/.venv/lib/*/*-packages/*")
    }
    assert installed
    assert "tensorflow" not in installed
