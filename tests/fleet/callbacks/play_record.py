"""Writes down for the tests what a run of ansible-playbook did, into the file PLAY_RECORD."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: play_record
type: notification
short_description: For the tests
description:
  - Writes down what a run did.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "play_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.plays: list[str] = []
        self.messages: dict[str, str] = {}

    def _saw(self, result: Any) -> str:
        name = str(result._host.get_name())
        if name not in self.plays:
            self.plays.append(name)
        return name

    def v2_runner_on_ok(self, result: Any) -> None:
        self._saw(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.messages[self._saw(result)] = str(result._result.get("msg", ""))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        record = {
            "stats": {host: stats.summarize(host) for host in stats.processed},
            "plays": self.plays,
            "messages": self.messages,
        }
        Path(os.environ["PLAY_RECORD"]).write_text(json.dumps(record))
