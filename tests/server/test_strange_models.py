"""Strange things dropped into the models folder of a daemon that runs."""

from __future__ import annotations

import os
from pathlib import Path

from running import drop_in, install, running_daemon, wait_until


def test_each_is_quarantined_with_its_reason_and_the_others_serve(tmp_path: Path) -> None:
    models = tmp_path / "models"
    install("double", models)
    with running_daemon(
        tmp_path, "--models", str(install("sum", tmp_path / "shipped").parent)
    ) as d:
        os.mkfifo(models / "pipe.tflite")
        (models / "password.tflite").symlink_to("/etc/passwd")
        install("triple", models)
        (models / "triple" / "model.json").unlink()
        os.mkfifo(models / "triple" / "model.json")
        Path(os.fsdecode(os.fsencode(models) + b"/\xff\n.tflite")).write_bytes(b"x")
        drop_in("double", models)
        reasons = {
            "pipe": "is a pipe, not a file",
            "password": "is a link out of",
            "triple": "is a pipe, not a file",
            r"\udcff\n": "no model can be called",
            "double": "double and double.tflite",
        }
        wait_until(lambda: reasons.keys() <= d.status()["models"].keys())
        wait_until(lambda: d.status()["models"]["double"]["reason"])
        told = d.status()["models"]
        # What was served before serves on: nobody can tell which of the two is meant now.
        assert told["double"]["state"] == "ready"
        assert d.status()["state"] == "degraded"
        for name, words in reasons.items():
            assert told[name]["state"] == "quarantined" or name == "double", name
            assert words in told[name]["reason"], name
            assert "\n" not in told[name]["reason"]
        assert told["sum"]["state"] == "ready"
        assert b"quarantined" in d.send("POST", "/v2/repository/index").body
        (models / "double.tflite").unlink()
        wait_until(lambda: not d.status()["models"]["double"]["reason"])
        assert d.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}
        assert "Traceback" not in d.log.read_text()
