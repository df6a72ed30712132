"""A batch, dealt out to the workers of a cluster.

Which worker does what is decided here, not by the scheduler: a worker is asked what it has before
it gets anything, has two pieces at most (one that it works at, one that is on its way), and when
it dies it is known what it died of. So little is on its way that neither the client nor the
scheduler grows with the batch.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from pi_edge.cluster import worker
from pi_edge.cluster.wanted import Wanted
from pi_edge.errors import PiEdgeError

AHEAD = 2
"""Pieces that one worker has at most."""

MOST_LOST = 3
"""Workers that may die over one piece; then it is passed over."""

FIRST_WAIT, LATER_WAIT = 15.0, 300.0
"""Seconds without a worker: before there was one, and afterwards, as they may be restarting."""

SILENCE = 60.0
"""Seconds after which a scheduler that says nothing is given up; also what a result may take."""

LOOK = 1.0
"""Seconds between two looks at who is there."""


class Ended(PiEdgeError):
    """The batch ended early, for a reason that is none of its pieces' own."""


@dataclass(frozen=True)
class Work:
    """A batch.

    Attributes:
        function: of ``worker``; called with what is wanted, then with what ``load`` returns.
        count: how many pieces there are.
        load: from a piece's number to the arguments, when it is about to be sent; raises
            PiEdgeError or OSError for what cannot be.
        check: called several times a second; raises to stop.
        say: tells the user a line.
    """

    function: Callable[..., worker.Outcome]
    count: int
    load: Callable[[int], tuple[Any, ...]]
    check: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda line: None


@dataclass
class _Sent:
    """A piece on its way."""

    address: str
    future: Any


@dataclass
class Dealer:
    """Deals out one batch.

    Args:
        client: a ``distributed.Client``.
        wanted: what a worker must have.
    """

    client: Any
    wanted: Wanted
    work: Work
    _events: SimpleQueue[tuple[Any, ...]] = field(default_factory=SimpleQueue)
    _over: threading.Event = field(default_factory=threading.Event)
    _sent: dict[int, _Sent] = field(default_factory=dict)
    _lost: Counter[int] = field(default_factory=Counter)
    _good: set[str] = field(default_factory=set)
    _refused: dict[str, str] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _had_one: bool = False

    def results(self) -> Iterator[tuple[int, Any]]:
        """The number of each piece once, as they are done, with its result or with the PiEdgeError
        or OSError that tells why there is none.

        Raises:
            Ended: the scheduler is gone, or nobody is there to work.
        """
        self._waiting = deque(range(self.work.count))
        self._alone: deque[int] = deque()  # a worker died over them: nothing beside them again
        self._name = uuid4().hex
        self._heard = self._last_good = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            while self._waiting or self._alone or self._sent:
                yield from self._deal()
                try:
                    event = self._events.get(timeout=0.2)
                except Empty:
                    event = (self._pass,)
                yield from event[0](*event[1:])
                self.work.check()
                self._see_to_it_that_it_goes_on()
        finally:
            self._over.set()
            for sent in self._sent.values():
                sent.future.release()

    def _pass(self) -> Iterator[tuple[int, Any]]:
        return iter(())

    def _deal(self) -> Iterator[tuple[int, Any]]:
        """Send out as much as there is room for."""
        has = Counter(sent.address for sent in self._sent.values())
        held = {self._sent[number].address for number in self._sent if self._lost[number]}
        for depth in range(1 if self._alone else AHEAD):
            for address in sorted(self._good):
                if has[address] != depth or address in held:
                    continue
                queue = self._alone if self._alone and not depth else self._waiting
                while queue:
                    number = queue.popleft()
                    try:
                        arguments = self.work.load(number)
                    except (PiEdgeError, OSError) as error:
                        yield number, error
                        continue
                    self._send(number, address, arguments)
                    has[address] += 1
                    if self._lost[number]:
                        held.add(address)
                    break

    def _send(self, number: int, address: str, arguments: tuple[Any, ...]) -> None:
        try:
            future = self.client.submit(
                self.work.function,
                self.wanted.told(),
                *arguments,
                key=f"pi-edge-{self._name}-{number}-{uuid4().hex[:8]}",
                workers=[address],
                allow_other_workers=False,
                pure=False,
            )
        except Exception as error:
            raise self._gone(str(error)) from error
        self._sent[number] = _Sent(address, future)
        future.add_done_callback(partial(self._ended, number, future))

    # In threads of their own, so that one slow machine holds up nobody.

    def _ended(self, number: int, future: Any, _same: Any) -> None:
        threading.Thread(target=self._fetch, args=(number, future), daemon=True).start()

    def _fetch(self, number: int, future: Any) -> None:
        lost = True
        outcome: worker.Outcome = (worker.FAILED, "its worker was lost")
        try:
            if future.status == "finished":
                outcome, lost = future.result(timeout=SILENCE), False
            elif future.status == "error":
                error = future.exception(timeout=SILENCE)
                lost = False
                if type(error).__name__ == "KilledWorker":
                    outcome = (worker.FAILED, "workers died over it: passed over")
                else:
                    outcome = (worker.FAILED, f"its worker failed: {type(error).__name__}: {error}")
        except Exception:
            lost = True  # a result that does not come is as good as a worker that is gone
        self._events.put((self._back, number, future, lost, outcome))

    def _watch(self) -> None:
        while True:
            try:
                there = frozenset(self.client.nthreads())
            except Exception as error:
                self._events.put((self._ended_early, str(error)))
                return
            self._events.put((self._there, there))
            if self._over.wait(LOOK):
                return

    def _ask(self, address: str) -> None:
        try:
            told = self.client.run(
                worker.check, self.wanted.told(), workers=[address], on_error="return"
            )
            reason = told.get(address, OSError("it went away"))
        except Exception as error:
            reason = error
        self._events.put((self._answered, address, reason))

    # What they have to say, heard in the loop.

    def _back(
        self, number: int, future: Any, lost: bool, outcome: worker.Outcome
    ) -> Iterator[tuple[int, Any]]:
        sent = self._sent.get(number)
        if sent is None or sent.future is not future:
            return  # given up meanwhile, and sent to another
        if lost:
            self._check_connection()
            yield from self._lose(number)
            return
        del self._sent[number]
        future.release()
        how, what = outcome
        if how == worker.REFUSED:
            self._refuse(sent.address, what)
            self._waiting.appendleft(number)
        else:
            yield number, what if how == worker.DONE else PiEdgeError(what)

    def _lose(self, number: int) -> Iterator[tuple[int, Any]]:
        self._sent.pop(number).future.release()
        self._lost[number] += 1
        if self._lost[number] < MOST_LOST:
            self._alone.append(number)
        else:
            yield number, PiEdgeError(f"{MOST_LOST} workers died over it: passed over")

    def _there(self, there: frozenset[str]) -> Iterator[tuple[int, Any]]:
        self._heard = time.monotonic()
        for address in sorted(self._asked - there):
            self._asked.discard(address)
            self._refused.pop(address, None)
            if address in self._good:
                self._good.discard(address)
                self.work.say(f"worker {address} is gone; others do what it had")
        for number, sent in list(self._sent.items()):
            if sent.address not in there:
                yield from self._lose(number)
        for address in sorted(there - self._asked):
            self._asked.add(address)
            threading.Thread(target=self._ask, args=(address,), daemon=True).start()

    def _answered(self, address: str, reason: object) -> Iterator[tuple[int, Any]]:
        if address not in self._asked:
            pass  # gone already
        elif reason == "":
            self._good.add(address)
        elif isinstance(reason, OSError):
            self._asked.discard(address)  # ask again if it is still there
        elif isinstance(reason, ImportError | AttributeError):
            self._refuse(
                address, f"has no pi-edge {self.wanted.pi_edge} ({reason}): install it there"
            )
        else:
            self._refuse(address, str(reason).splitlines()[0] if str(reason) else repr(reason))
        return iter(())

    def _refuse(self, address: str, reason: str) -> None:
        self._good.discard(address)
        if address not in self._refused:
            self._refused[address] = reason
            if self._good or self._asked - set(self._refused):
                self.work.say(f"worker {address} is not used: it {reason}")

    def _ended_early(self, reason: str) -> Iterator[tuple[int, Any]]:
        raise self._gone(reason)

    def _check_connection(self) -> None:
        if self.client.status != "running":
            raise self._gone("the connection was closed")

    def _see_to_it_that_it_goes_on(self) -> None:
        self._check_connection()
        now = time.monotonic()
        if now - self._heard > SILENCE:
            raise self._gone(f"it has said nothing for {SILENCE:.0f} s")
        if self._good:
            self._last_good = now
            self._had_one = True
        if self._refused and not self._had_one and self._asked == set(self._refused):
            address, reason = min(self._refused.items())
            more = len(self._refused) - 1
            others = f" (and {more} more cannot be used)" if more else ""
            raise Ended(f"worker {address} {reason}{others}")
        if now - self._last_good > (LATER_WAIT if self._had_one else FIRST_WAIT):
            raise Ended(
                "the scheduler has no worker that can do this: start some with"
                " `dask worker URL --nthreads 1 --memory-limit 0`"
            )

    def _gone(self, reason: str) -> Ended:
        first = (reason.strip().splitlines() or ["no reason given"])[0]
        return Ended(f"the scheduler is gone ({first})")
