"""The parameters of a step, as the trainer hands them over, and in groups that are exchanged together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

from mxnet.ndarray import NDArray

_WORTH_A_MESSAGE = 1 << 22  # elements


@final
class Item(NamedTuple):
    """A parameter's part in a step; each list has one array a device."""

    key: int
    grads: list[NDArray]
    outs: list[NDArray]  # where the outcome goes: weights if the store has the optimizer, else gradients


@final
class Bucket(NamedTuple):
    """Parameters that are exchanged together; `grads[i][d]` is the gradient of parameter `keys[i]` on device d."""

    keys: list[int]
    grads: list[list[NDArray]]
    outs: list[list[NDArray]]  # where the outcome goes, alike
    counts: bool  # whether this rank takes part in the step; if not, it sends a message that counts for nothing


def buckets(items: Sequence[Item], counts: bool) -> Iterator[Bucket]:
    """The items in groups of at least 2²² elements, but for the last; the same ones on every rank."""
    group: list[Item] = []
    size = 0
    for item in items:
        group.append(item)
        size += item.grads[0].size
        if size >= _WORTH_A_MESSAGE:
            yield _together(group, counts)
            group, size = [], 0
    if group:
        yield _together(group, counts)


def _together(group: list[Item], counts: bool) -> Bucket:
    keys, grads, outs = map(list, zip(*group))
    return Bucket(keys, grads, outs, counts)
