"""The process that styles one photo, seen from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from types import TracebackType

from pi_edge.errors import PiEdgeError, Unavailable
from pi_edge.tasks.style.worker import Order

CHUNK = 64 * 1024

# A process that has given no sign of life for so long is taken for stuck. It gives one for each
# tile; before the first it decodes the photo, a turned one whole.
STUCK_SECONDS = 300.0

# Of what the process says on stderr the end is kept: its last line is the error.
_KEPT = 8 * 1024


class StylingChild:
    """A process at work on ``order``; when the context is left it is over, one way or the other."""

    def __init__(self, order: Order) -> None:
        self._order = order

    async def __aenter__(self) -> StylingChild:
        spawning = asyncio.create_task(_spawn(self._order))
        try:
            self._process = process = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            # Cancelled itself, spawning would leave the process behind.
            (await spawning).kill()
            await spawning.result().wait()
            raise
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._in, self._out, self._err = process.stdin, process.stdout, process.stderr
        self._deaf = False
        self._said = b""
        self._alive = time.monotonic()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._in.close()
        while await self._out.read(CHUNK):  # unread it would keep the pipe open
            pass
        await self._listening
        await self._process.wait()

    async def feed(self, data: bytes) -> None:
        """The next bytes of the photo. A process that has ended takes them and says nothing:
        ``check`` does.

        Raises:
            PiEdgeError: the process is stuck.
        """
        if self._deaf or self._in.is_closing():  # uvloop raises RuntimeError on a closed pipe
            return
        try:
            self._in.write(data)
            async with asyncio.timeout(STUCK_SECONDS):
                await self._in.drain()
        except (BrokenPipeError, ConnectionResetError):
            self._deaf = True
        except TimeoutError:
            raise _stuck() from None

    def feed_end(self) -> None:
        """That was all of the photo."""
        self._in.close()

    async def read(self) -> bytes:
        """The next bytes of the picture, at most CHUNK; b"" after the last, or if it failed.

        Raises:
            PiEdgeError: the process is stuck.
        """
        self._alive = time.monotonic()
        while True:
            left = self._alive + STUCK_SECONDS - time.monotonic()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    return await self._out.read(CHUNK)
            except TimeoutError:
                if time.monotonic() - self._alive >= STUCK_SECONDS:
                    raise _stuck() from None

    async def check(self) -> None:
        """Wait for the end.

        Raises:
            PiEdgeError: what went wrong, with the status that fits.
        """
        code = await self._process.wait()
        await self._listening
        if code == 0:
            return
        if code < 0:
            raise PiEdgeError(_ended_by(-code))
        try:
            told = json.loads(self._said.splitlines()[-1])
            error = PiEdgeError(told["error"])
            error.status, error.kind = told["status"], told["kind"]
        except (IndexError, ValueError, KeyError, TypeError):
            last = self._said.decode(errors="replace").strip().splitlines()[-1:]
            error = PiEdgeError(f"styling failed: {''.join(last) or f'exit code {code}'}")
        raise error

    async def _listen(self) -> None:
        while said := await self._err.read(CHUNK):
            self._alive = time.monotonic()
            self._said = (self._said + said).lstrip(b"\n")[-_KEPT:]


async def _spawn(order: Order) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *order.command(),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            limit=CHUNK,
            # OpenBLAS would start threads that nothing there uses.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    except OSError as error:
        raise Unavailable(f"styling cannot be started now: {error.strerror}") from error


def _stuck() -> PiEdgeError:
    return PiEdgeError(f"styling has shown no progress for {STUCK_SECONDS:.0f} s and was ended")


def _ended_by(number: int) -> str:
    name = signal.Signals(number).name
    why = " (out of memory?)" if number == signal.SIGKILL else ""
    return f"styling was ended by {name}{why}: the picture is not made, the daemon goes on"
