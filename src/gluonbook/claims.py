"""Claims: statements that a cell measures, and that fail the build when they stop holding.

    claim("resume-exact", "A resumed run ends with the same weights", difference, "== 0")

shows a badge, leaves a record in the notebook's output, from which `gluonbook claims` makes the book's table, and
raises `ClaimFailed` where the condition does not hold.

Most values are measured by the cell. Some are not, and say so: `source="derived"` is a formula or a constant, which
holds on every machine alike, and `source="stored"` comes from results that were measured once and kept.

A claim says what does not depend on the neighbours: counts, bytes, processor time. Where its value comes from a clock
all the same, `clock=True` says so; then the book's build gives its chapter a second chance, by itself.
"""

from __future__ import annotations

import datetime
import html
import math
import numbers
import operator
import re
from dataclasses import asdict, dataclass
from typing import Any, final

from gluonbook.machine import facts, load
from gluonbook.profiles import profile
from gluonbook.show import display

RECORD = "gluonbook_claim"  # the key in the metadata of a notebook's output

_OPERATORS = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON = re.compile(r"(<=|>=|==|!=|<|>)\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
MINUS = "−"
SOURCES = ("measured", "derived", "stored")  # where a value comes from
_TYPESET = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "<": "<", ">": ">"}


class ClaimFailed(AssertionError):
    """A claim of the book does not hold on this machine."""


class ClockClaimFailed(ClaimFailed):
    """A claim whose value comes from a clock does not hold; the message says how busy the machine was."""


@final
@dataclass(frozen=True)
class Claim:
    """One claim as measured: what the notebook's output and the book's table hold."""

    id: str
    sentence: str
    value: float
    condition: str
    holds: bool
    source: str
    profile: str
    date: str
    machine: dict[str, Any]
    versions: dict[str, str]


def holds(value: float, condition: str) -> bool:
    """Whether `value` satisfies `condition`: one or more comparisons with a number, joined by `and`.

    Examples: `">= 0.95"`, `"> 1 and <= 4"`, `"== 0"`. NaN satisfies nothing.

    Raises:
        ValueError: the condition is not of that form.
    """
    return not math.isnan(value) and all(_OPERATORS[op](value, bound) for op, bound in _parse(condition))


def claim(id: str, sentence: str, value: Any, condition: str, *, source: str = "measured", clock: bool = False) -> None:
    """State in `sentence` what was measured as `value`, show it, record it, and raise if `condition` does not hold.

    Args:
        id: names the claim in the whole book: lower-case words joined by hyphens.
        sentence: what is claimed, as a sentence without a final stop and without the measured number; a comma or colon
            at its end, which leads to that number, is not kept.
        value: a number, or an array of one element (an `NDArray` too); a truth value counts as 0 or 1.
        condition: comparisons with numbers, joined by `and`: `">= 0.95"`, `"> 1 and <= 4"`.
        source: "measured" by the cell; "derived", from a formula or a constant; or "stored", with results of another
            day. Whoever reads the table of claims is told.
        clock: whether a clock has measured the value, of the wall or of the processor: a busy machine may spoil it.

    Raises:
        ClaimFailed: the condition does not hold; with `clock`, ClockClaimFailed.
        ValueError: the id or the condition is malformed, the source none of the three, or the value infinite.
        TypeError: the value is not one number.
    """
    if source not in SOURCES:
        raise ValueError(f"source must be {' or '.join(map(repr, SOURCES))}, got {source!r}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise ValueError(f"claim id {id!r}: use lower-case letters and digits, words joined by hyphens")
    number = _number(value)
    record = Claim(
        id=id,
        sentence=sentence.rstrip(",:"),
        value=number,
        condition=condition,
        holds=holds(number, condition),
        source=source,
        profile=profile(),
        date=datetime.date.today().isoformat(),
        machine=facts.machine(),
        versions=facts.versions(),
    )
    display({"text/html": badge(record), "text/plain": _plain(record)}, {RECORD: asdict(record)})
    if not record.holds:
        raise ClockClaimFailed(f"{_plain(record)}; {load.busy()}") if clock else ClaimFailed(_plain(record))


def badge(record: Claim) -> str:
    """The claim as a line of HTML that needs no colour and no style sheet to be understood."""
    mark, word = ("✔", record.source.capitalize()) if record.holds else ("✘", "Does not hold")
    return (
        '<div class="gb-claim" role="note" style="border-left: .25em solid; padding: .1em .8em; margin: .5em 0">'
        f'<span aria-hidden="true">{mark}</span> <strong>{word}:</strong> {html.escape(record.sentence)} —\xa0'
        f"<strong>{format_value(record.value)}</strong> "
        f"<small>(claimed:\xa0{html.escape(typeset(record.condition))})</small></div>"
    )


def format_value(value: float) -> str:
    """A measured number for the eye: four digits, whole numbers whole, and a minus that is no hyphen."""
    whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
    return (str(int(value)) if whole else f"{value:.4g}").replace("-", MINUS)


def typeset(condition: str) -> str:
    """The condition as a reader wants it: `>= 0.95` becomes `≥ 0.95`, and no line ends between the two."""
    return _COMPARISON.sub(lambda match: f"{_TYPESET[match[1]]}\xa0{match[2]}".replace("-", MINUS), condition)


def _plain(record: Claim) -> str:
    verdict = "holds" if record.holds else "does not hold"
    return f"{record.id} {verdict}: {record.sentence}: {format_value(record.value)} (claimed: {record.condition})"


def _parse(condition: str) -> list[tuple[str, float]]:
    parts = [_COMPARISON.fullmatch(part.strip()) for part in condition.split(" and ")]
    if not all(parts):
        legal = "comparisons with a number such as '>= 0.95', joined by 'and', with " + ", ".join(_OPERATORS)
        raise ValueError(f"condition {condition!r} is not understood; legal are {legal}")
    return [(match[1], float(match[2])) for match in parts if match]


def _number(value: Any) -> float:
    if hasattr(value, "asnumpy"):
        value = value.asnumpy()
    if getattr(value, "size", None) == 1 and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise TypeError(f"a claim is about one number; this value is a {type(value).__name__}: {value!r}")
    if math.isinf(value):
        raise ValueError(f"a claim is about a finite number; this value is {value}")
    return float(value)
