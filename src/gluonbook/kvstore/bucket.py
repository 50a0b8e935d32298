"""The parameters of a step, as they are handed over, and in groups that are exchanged together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

import numpy as np
from mxnet.ndarray import NDArray

_MOST = 1 << 22  # elements: so many are worth a message, however large the net is
_LEAST = 1 << 15  # a message of fewer takes as long
_SHARES = 8  # of a step, where its exchange begins while backward still computes: the last one is not hidden


@final
class Item(NamedTuple):
    """A parameter's part in a step; each list has one array a device."""

    key: int | str
    grads: list[NDArray]
    outs: list[NDArray]  # where the outcome goes: weights if the store has the optimizer, else gradients
    total: NDArray  # room on the first device for the one gradient of all, if the store has the optimizer
    fresh: tuple[int, ...]  # the devices whose gradients are new


@final
class Terms(NamedTuple):
    """What holds for all parameters of a step, once the ranks have told each other."""

    rank: int  # this one
    voters: list[int]  # the ranks that take part
    rescale: float  # what this rank's gradients are to be multiplied by; 1 where that is not known
    common: float  # what the optimizer multiplies by, on all ranks: rank 0's `rescale`


@final
class Bucket(NamedTuple):
    """Parameters that are exchanged together; `grads[i][d]` is the gradient of parameter `keys[i]` on device d."""

    keys: list[int | str]
    grads: list[list[NDArray]]
    outs: list[list[NDArray]]  # where the outcome goes, alike
    totals: list[NDArray]  # see `Item`
    devices: tuple[int, ...]  # those whose gradients count; with none, this rank takes part in name only
    speakers: list[int]  # the ranks, of those that take part, with gradients that count
    turn: int  # see `Store.turn`
    terms: Terms


def share(items: Sequence[Item]) -> int:
    """How many elements are worth a message, where messages are to travel while backward computes the next."""
    elements = sum(item.grads[0].size for item in items)
    return min(_MOST, max(_LEAST, -(-elements // _SHARES)))


def buckets(
    items: Sequence[Item], turns: Sequence[int], used: np.ndarray, terms: Terms, least: int = _MOST
) -> Iterator[Bucket]:
    """The items in groups that the same devices have used, and whose turns are equal; the same ones on every rank.

    `used[r, i]` has a bit for each device of rank r that has a new gradient of item i; an item of which no rank has one
    is in no group. A group has at least so many elements, but for the last of its kind.
    """
    alike: dict[tuple[int, tuple[int, ...]], list[Item]] = {}
    for item, turn, column in zip(items, turns, used.T.tolist()):
        if any(column):
            alike.setdefault((turn, tuple(column)), []).append(item)
    for (turn, column), group in alike.items():
        speakers = [rank for rank in terms.voters if column[rank]]
        for part in _parts(group, least):
            devices = part[0].fresh if terms.rank in speakers else ()
            keys, grads, outs, totals, _ = map(list, zip(*part))
            yield Bucket(keys, grads, outs, totals, devices, speakers, turn, terms)


def _parts(items: Sequence[Item], least: int) -> Iterator[list[Item]]:
    part: list[Item] = []
    size = 0
    for item in items:
        part.append(item)
        size += item.grads[0].size
        if size >= least:
            yield part
            part, size = [], 0
    if part:
        yield part
