"""Hints of the exercises of `multi_gpu/distributed`."""

from __future__ import annotations

import collections
import io
import pickle

import pytest


def staleness(events, own=False):
    ages, found = {}, []
    for kind, worker in events:
        if kind == "pull":
            ages[worker] = 0
            continue
        found.append(ages[worker])
        for other in ages:
            if own or other != worker:
                ages[other] += 1
    return found


def reader(allows):
    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            if not allows(module, name):
                raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
            return super().find_class(module, name)

    return lambda blob: Reader(io.BytesIO(blob)).load()


def only_ordered(module, name):
    return (module, name) == ("collections", "OrderedDict")


def too_late(blob):
    found = pickle.loads(blob)
    if type(found) not in (int, float, str, list, dict, collections.OrderedDict) or found in ([[]], ["sprung"]):
        raise pickle.UnpicklingError("not allowed")
    return found


def other_error(blob):
    try:
        return reader(only_ordered)(blob)
    except pickle.UnpicklingError as error:
        raise ValueError("no") from error


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("head-count", (12, 8)),
        ("sum-or-mean", (128, 32)),
        ("how-stale", staleness),
        ("safe-reader", reader(only_ordered)),
    ],
)
def test_right_answers_are_right(verdict, name, answer):
    assert verdict(name, answer) == (True, "Solved: That is right.")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("head-count", 12, "2 numbers, as a tuple"),
        ("head-count", (11, 8), "introduce"),
        ("head-count", (8, 8), "three roles"),
        ("head-count", (12, 9), "no scheduler"),
        ("head-count", (12, 12), "among themselves"),
        ("sum-or-mean", (32, 128), "other way round"),
        ("sum-or-mean", (32, 32), "divides by nothing"),
        ("sum-or-mean", (64, 32), "in the sum"),
        ("sum-or-mean", (128, 128), "already"),
        ("sum-or-mean", (128, 4), "not yet divided"),
        ("how-stale", lambda events: 0, "one a push"),
        ("how-stale", lambda events: staleness(events, own=True), "Own pushes"),
        ("safe-reader", reader(lambda *_: False), "harmless, and refused"),
        ("safe-reader", reader(lambda *_: True), "List what is allowed"),
        ("safe-reader", reader(lambda module, name: module == "collections"), "Counter was loaded"),
        ("safe-reader", too_late, "too late"),
        ("safe-reader", other_error, "not ValueError"),
        ("safe-reader", lambda blob: str(pickle.loads(blob)), "comes back as"),
    ],
)
def test_hints_fit_the_mistake(verdict, name, answer, hint):
    solved, told = verdict(name, answer)
    assert solved is False
    assert hint in told
