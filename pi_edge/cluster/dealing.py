"""A batch, dealt out to the workers of a cluster.

Which worker does what is decided here, not by the scheduler: a worker is asked what it has before
it gets anything, has two pieces at most (one that it works at, one that is on its way), and when
it dies it is known what it died of. So little is on its way that neither the client nor the
scheduler grows with the batch.
"""

from __future__ import annotations

import contextlib
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
"""Seconds after which a scheduler that says nothing is given up."""

LONGEST_WAY = 900.0
"""Seconds that a result may travel: thirty pictures may share one slow network."""

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
    """Deals out one batch, once.

    Args:
        client: a ``distributed.Client``.
        wanted: what a worker must have.
    """

    # _waiting is what is to be sent; _alone, too, but a worker died over it, so that nothing shall
    # be beside it again. _asked are the workers that are there, _good and _refused what came of
    # it, _again those that gave no answer. _ready is what can be told.

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
    _again: set[str] = field(default_factory=set)
    _had_one: bool = False
    _ready: deque[tuple[int, Any]] = field(default_factory=deque)
    _waiting: deque[int] = field(default_factory=deque)
    _alone: deque[int] = field(default_factory=deque)
    _name: str = field(default_factory=lambda: uuid4().hex)

    def results(self) -> Iterator[tuple[int, Any]]:
        """The number of each piece once, as they are done, with its result or with the PiEdgeError
        or OSError that tells why there is none.

        Raises:
            Ended: the scheduler is gone, or nobody is there to work.
        """
        self._waiting.extend(range(self.work.count))
        self._heard = self._last_good = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            while self._waiting or self._alone or self._sent:
                self._deal()
                with contextlib.suppress(Empty):
                    listener, *heard = self._events.get(timeout=0.2)
                    listener(*heard)
                while self._ready:
                    yield self._ready.popleft()
                self.work.check()
                self._see_to_it_that_it_goes_on()
        finally:
            self._over.set()
            for sent in self._sent.values():
                sent.future.release()

    def _deal(self) -> None:
        """Send out as much as there is room for."""
        # Towards the end nothing waits behind a slow worker that a quick one could be doing.
        scarce = self._alone or len(self._waiting) <= len(self._good)
        has = Counter(sent.address for sent in self._sent.values())
        held = {self._sent[number].address for number in self._sent if self._lost[number]}
        for depth in range(1 if scarce else AHEAD):
            for address in sorted(self._good):
                if has[address] != depth or address in held:
                    continue
                queue = self._alone if self._alone and not depth else self._waiting
                while queue:
                    number = queue.popleft()
                    try:
                        arguments = self.work.load(number)
                    except (PiEdgeError, OSError) as error:
                        self._ready.append((number, error))
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
                outcome, lost = future.result(timeout=LONGEST_WAY), False
            elif future.status == "error":
                error = future.exception(timeout=LONGEST_WAY)
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

    def _back(self, number: int, future: Any, lost: bool, outcome: worker.Outcome) -> None:
        sent = self._sent.get(number)
        if sent is None or sent.future is not future:
            return  # given up meanwhile, and sent to another
        if lost:
            self._check_connection()
            self._lose(number)
            return
        del self._sent[number]
        future.release()
        how, what = outcome
        if how == worker.REFUSED:
            self._refuse(sent.address, what)
            self._waiting.appendleft(number)
        else:
            self._ready.append((number, what if how == worker.DONE else PiEdgeError(what)))

    def _lose(self, number: int) -> None:
        self._sent.pop(number).future.release()
        self._lost[number] += 1
        if self._lost[number] < MOST_LOST:
            self._alone.append(number)
        else:
            died = PiEdgeError(f"{MOST_LOST} workers died over it: passed over")
            self._ready.append((number, died))

    def _there(self, there: frozenset[str]) -> None:
        self._heard = time.monotonic()
        for address in sorted(self._asked - there):
            self._asked.discard(address)
            self._refused.pop(address, None)
            if address in self._good:
                self._good.discard(address)
                self.work.say(f"worker {address} is gone; others do what it had")
        for number, sent in list(self._sent.items()):
            if sent.address not in there:
                self._lose(number)
        asked_again, self._again = self._again & there, set()
        for address in sorted(there - self._asked | asked_again):
            self._asked.add(address)
            threading.Thread(target=self._ask, args=(address,), daemon=True).start()

    def _answered(self, address: str, reason: object) -> None:
        if address not in self._asked:
            pass  # gone already
        elif reason == "":
            self._good.add(address)
        elif isinstance(reason, OSError):
            self._again.add(address)  # if it is there when we look next
        elif isinstance(reason, str):
            self._refuse(address, reason)
        else:
            missing = (str(reason).splitlines() or [repr(reason)])[0]
            self._refuse(
                address, f"has no pi-edge {self.wanted.pi_edge} ({missing}): install it there"
            )

    def _refuse(self, address: str, reason: str) -> None:
        self._good.discard(address)
        if address not in self._refused:
            self._refused[address] = reason
            if self._had_one or self._good or self._asked - set(self._refused):
                self.work.say(f"worker {address} is not used: it {reason}")

    def _ended_early(self, reason: str) -> None:
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
