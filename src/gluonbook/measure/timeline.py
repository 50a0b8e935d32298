"""What Python asked of MXNet, and when its engine did it: MXNet's own profiler, for one piece of work."""

from __future__ import annotations

import gc
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import mxnet as mx

from gluonbook.checks import whole_number

CALL, WAIT, OPERATION = "call", "wait", "operation"

_HOUSEKEEPING = {"DeleteVariable", "WaitForVar"}  # of the engine; it computes nothing
_ORDERS = {"MXImperativeInvokeEx", "MXInvokeCachedOp", "MXAutogradBackwardEx"}  # calls that make the engine compute
_folder: tempfile.TemporaryDirectory | None = None
_read = 0  # how much of the profiler's one file belongs to earlier recordings
_level = 0  # where the profiler's counter of bytes stood after the last recording


@dataclass(frozen=True)
class Span:
    """Something that took time: a `kind` of `CALL` (Python orders), `WAIT` (Python waits) or `OPERATION` (engine)."""

    kind: str
    name: str
    start: float  # seconds since the first event of the recording
    seconds: float


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
    whole_number("repeat", repeat, 1)
    return min((_record(work) for _ in range(repeat)), key=attrgetter("seconds"))


def _record(work: Callable[[], object]) -> Recording:
    gc.collect()  # garbage that is found while the work runs would be subtracted from its memory
    mx.nd.waitall()
    _configure()
    mx.profiler.set_state("run")
    try:
        work()
        mx.nd.waitall()
    finally:
        mx.profiler.set_state("stop")
        events = _new_events()
    spans = sorted(_spans(events), key=attrgetter("start"))
    spans.remove([span for span in spans if span.kind == WAIT][-1])  # our own
    origin = spans[0].start if spans else 0.0
    return Recording(
        spans=tuple(Span(span.kind, span.name, span.start - origin, span.seconds) for span in spans),
        peak_bytes=_peak(events),
    )


def _configure() -> None:
    global _folder
    if _folder is None:  # MXNet's profiler can be configured once in the life of a process
        _folder = tempfile.TemporaryDirectory(prefix="gluonbook-profile-")
        mx.profiler.set_config(
            filename=str(Path(_folder.name, "profile.json")),
            profile_imperative=True,
            profile_symbolic=True,
            profile_api=True,
            profile_memory=True,
        )


def _new_events() -> list[dict[str, Any]]:
    """The events since the last call. MXNet appends to its file, and closes the list only when the process ends."""
    global _read
    mx.profiler.dump(finished=False)
    with Path(_folder.name, "profile.json").open() as file:
        file.seek(_read)
        text = file.read()
        _read = file.tell()
    events = text[text.index("[") + 1 :] if text.startswith("{") else text
    return [event for event in json.loads(f"[{events.strip().strip(',')}]") if "ts" in event]


def _spans(events: list[dict[str, Any]]) -> Iterator[Span]:
    """Begin and end, which are events of their own, joined; times in seconds."""
    begun = defaultdict(list)
    for event in events:
        key = event.get("cat"), event["name"], event.get("tid")
        # Of each operation there are two reports; the one with capitals is that of the engine.
        begin, end = "BE" if key[0] == "operator" else "be"
        if event["ph"] == begin:
            begun[key].append(event["ts"])
        elif event["ph"] == end and begun[key]:
            kind, start = _kind(*key[:2]), begun[key].pop()
            if kind:
                yield Span(kind, event["name"], 1e-6 * start, 1e-6 * (event["ts"] - start))


def _kind(category: str, name: str) -> str | None:
    if category == "operator":
        return None if name in _HOUSEKEEPING else OPERATION
    if "Wait" in name:
        return WAIT
    return CALL if name in _ORDERS else None


def _peak(events: list[dict[str, Any]]) -> int:
    """The most bytes at a time, on top of those at the beginning: the counter knows nothing of before and between."""
    global _level
    readings = sorted(
        (event["ts"], value)
        for event in events
        if event.get("cat") == "Device Storage"
        for value in event["args"].values()
    )
    before, used = _level, [value for _, value in readings]
    _level = used[-1] if used else before
    return max([before, *used]) - before
