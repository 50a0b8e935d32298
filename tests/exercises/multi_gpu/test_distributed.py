"""Hints of the exercises of `multi_gpu/distributed`."""

from __future__ import annotations

import collections
import io
import pickle

from answers import hints, right_answers


def staleness(events, own=False):
    """By looking back from each push to its worker's last pull."""
    found = []
    for at, (kind, worker) in enumerate(events):
        if kind == "push":
            pulled = max(i for i in range(at) if events[i] == ("pull", worker))
            found.append(sum(k == "push" and (own or w != worker) for k, w in events[pulled:at]))
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


test_right_answers_are_right = right_answers(
    ("how-stale", staleness),
    ("safe-reader", reader(only_ordered)),
    ("safe-reader", reader(lambda module, name: only_ordered(module, name) or name == "complex")),
)


test_hints_fit_the_mistake = hints(
    ("how-stale", lambda events: 0, "one a push"),
    ("how-stale", lambda events: staleness(events, own=True), "Own pushes"),
    ("safe-reader", reader(lambda *_: False), "harmless, and refused"),
    ("safe-reader", reader(lambda *_: True), "List what is allowed"),
    ("safe-reader", reader(lambda module, name: module == "collections"), "Counter was loaded"),
    ("safe-reader", reader(lambda module, name: only_ordered(module, name) or name == "print"), "was loaded"),
    ("safe-reader", too_late, "too late"),
    ("safe-reader", other_error, "not ValueError"),
    ("safe-reader", lambda blob: str(pickle.loads(blob)), "comes back as"),
)
