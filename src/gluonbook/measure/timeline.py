"""What Python asked of MXNet, and when its engine did it: MXNet's own profiler, for one piece of work."""

from __future__ import annotations

import gc
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, final

import mxnet as mx

from gluonbook.checks import whole_number

CALL, WAIT, OPERATION = "call", "wait", "operation"

_HOUSEKEEPING = {"DeleteVariable", "WaitForVar"}  # of the engine; it computes nothing
_ORDERS = {"MXImperativeInvokeEx", "MXInvokeCachedOp", "MXAutogradBackwardEx"}  # calls that make the engine compute


@final
@dataclass(frozen=True)
class Span:
    """Something that took time: a `kind` of `CALL` (Python orders), `WAIT` (Python waits) or `OPERATION` (engine)."""

    kind: str
    name: str
    start: float  # seconds since the first event of the recording
    seconds: float


@final
@dataclass(frozen=True)
class Recording:
    """The spans of one piece of work by their start, and how much more device memory it used at a time than before."""

    spans: tuple[Span, ...]
    peak_bytes: int

    @property
    def seconds(self) -> float:
        """From the first event to the end of the last one."""
        return max((span.start + span.seconds for span in self.spans), default=0.0)

    def of(self, kind: str) -> tuple[Span, ...]:
        """The spans of one kind: `CALL`, `WAIT` or `OPERATION`."""
        return tuple(span for span in self.spans if span.kind == kind)


def record(work: Callable[[], object], *, repeat: int = 1) -> Recording:
    """Run `work()`, wait until all is computed, and return what MXNet's profiler has seen meanwhile.

    Of `repeat` recordings the shortest, since other programs on the machine can only add to a time. What happens only
    the first time stays out of it if `repeat` is large enough. The profiler makes everything a little slower: look at
    the order of things and their number; for times use `gluonbook.measure.timing`.

    Raises:
        ValueError: `repeat` is not positive.
    """
    return min((_record(work) for _ in range(whole_number("repeat", repeat, 1))), key=attrgetter("seconds"))


def _record(work: Callable[[], object]) -> Recording:
    gc.collect()  # garbage that is found while the work runs would be subtracted from its memory
    mx.nd.waitall()
    profiler = _profiler()
    events = profiler.events(work)
    spans = sorted(_spans(events), key=attrgetter("start"))
    spans.remove([span for span in spans if span.kind == WAIT][-1])  # our own
    origin = spans[0].start if spans else 0.0
    return Recording(
        spans=tuple(Span(span.kind, span.name, span.start - origin, span.seconds) for span in spans),
        peak_bytes=profiler.peak(events),
    )


@final
class _Profiler:
    """MXNet's profiler: it can be configured once in the life of a process, and writes one file from then on."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gluonbook-profile-")
        self._file = Path(self._folder.name, "profile.json")
        self._read = 0  # how much of the file belongs to earlier recordings
        self._level = 0  # where the counter of bytes stood after the last recording
        mx.profiler.set_config(
            filename=str(self._file),
            profile_imperative=True,
            profile_symbolic=True,
            profile_api=True,
            profile_memory=True,
        )

    def events(self, work: Callable[[], object]) -> list[dict[str, Any]]:
        """What happens while `work()` runs, and until all is computed."""
        mx.profiler.set_state("run")
        try:
            work()
            mx.nd.waitall()
        finally:
            mx.profiler.set_state("stop")
            new = self._new_events()
        return new

    def peak(self, events: list[dict[str, Any]]) -> int:
        """The most bytes at a time above those at the beginning: the counter knows nothing of before and between."""
        readings = sorted(
            (event["ts"], value)
            for event in events
            if event.get("cat") == "Device Storage"
            for value in event["args"].values()
        )
        before, used = self._level, [value for _, value in readings]
        self._level = used[-1] if used else before
        return max([before, *used]) - before

    def _new_events(self) -> list[dict[str, Any]]:
        """Those since the last call. MXNet appends to its file, and closes the list only when the process ends."""
        mx.profiler.dump(finished=False)
        with self._file.open(encoding="utf-8") as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        events = text[text.index("[") + 1 :] if text.startswith("{") else text
        return [event for event in json.loads(f"[{events.strip().strip(',')}]") if "ts" in event]


@cache
def _profiler() -> _Profiler:
    return _Profiler()


def _spans(events: list[dict[str, Any]]) -> Iterator[Span]:
    """Begin and end, which are events of their own, joined; times in seconds."""
    begun: defaultdict[tuple[str, str, Any], list[float]] = defaultdict(list)
    for event in events:
        category, name = event.get("cat", ""), event["name"]
        key = category, name, event.get("tid")
        # Of each operation there are two reports; the one with capitals is that of the engine.
        begin, end = ("B", "E") if category == "operator" else ("b", "e")
        if event["ph"] == begin:
            begun[key].append(event["ts"])
        elif event["ph"] == end and begun[key]:
            kind, start = _kind(category, name), begun[key].pop()
            if kind:
                yield Span(kind, name, 1e-6 * start, 1e-6 * (event["ts"] - start))


def _kind(category: str, name: str) -> str | None:
    if category == "operator":
        return None if name in _HOUSEKEEPING else OPERATION
    if "Wait" in name:
        return WAIT
    return CALL if name in _ORDERS else None
