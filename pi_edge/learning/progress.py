"""A bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from pi_edge import terminal


class Progress:
    """Counts steps towards `total`; `after` more are known to follow in later bars.

    >>> with Progress("epoch 1/2", total=100, after=100) as progress:
    ...     progress.step(loss=0.3, accuracy=0.9)
    """

    def __init__(self, title: str, total: int, after: int = 0) -> None:
        self.title, self.total, self.after = title, total, after
        self.done = 0
        self.began = self.said = time.monotonic()
        self.bar = terminal.bar(total, title)

    def __enter__(self) -> Progress:
        return self

    def step(self, **figures: float) -> None:
        """One step is done; `figures` are shown beside it (accuracy in percent)."""
        self.done += 1
        now = time.monotonic()
        if self.bar is not None:
            self.bar.update()
            if now - self.said > 0.2:
                self.said = now
                self.bar.set_postfix_str(f"{_readable(figures)}{self._left()} left in all")
        elif now - self.said > terminal.PLAIN_EVERY and not terminal.silent():
            self.said = now
            print(
                f"{self.title}: {self.done / self.total:.0%}, {_readable(figures)}"
                f"{self._left()} left",
                file=sys.stderr,
                flush=True,
            )

    @property
    def seconds_left(self) -> float:
        """Until all is done, if it goes on as it did; once there was a step."""
        passed = time.monotonic() - self.began
        return passed / self.done * (self.total - self.done + self.after)

    def _left(self) -> str:
        seconds = self.seconds_left
        if seconds < 90:
            return f"{seconds:.0f} s"
        return f"{seconds / 60:.0f} min"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()


def _readable(figures: dict[str, float]) -> str:
    return "".join(
        f"{name} {value:.2%}, " if name == "accuracy" else f"{name} {value:.4f}, "
        for name, value in figures.items()
    )
