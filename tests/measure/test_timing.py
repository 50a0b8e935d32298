"""Timing: the engine's work is inside, other work is outside."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import pbkdf2_hmac

import pytest
from mxnet import nd

from gluonbook.measure import timing
from gluonbook.measure.timing import fastest, race


def test_it_takes_the_shortest(monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert fastest(lambda: None, repeat=3) == 1.0


def test_it_waits_for_the_engine():
    """What has been ordered takes its processor time within the race that orders it, not after it."""
    matrix = nd.random.normal(shape=(600, 600))
    orders = {
        "awaited": lambda: nd.dot(nd.dot(matrix, matrix), matrix).wait_to_read(),
        "ordered": lambda: nd.dot(nd.dot(matrix, matrix), matrix),
    }
    awaited, ordered = race(orders, 5).values()
    assert ordered.processor.min() > awaited.processor.min() / 10


def test_processor_time_is_of_all_threads_and_not_of_waiting():
    slept, worked = race(
        {"slept": lambda: time.sleep(0.1), "worked": lambda: pbkdf2_hmac("md5", b"", b"", 10**5)}, 1
    ).values()
    assert slept.wall[0] >= 0.1
    assert slept.processor[0] < worked.processor[0]

    def elsewhere():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(pbkdf2_hmac, "md5", b"", b"", 10**5).result()

    assert race({"elsewhere": elsewhere}, 1)["elsewhere"].processor[0] > worked.processor[0] / 3


@pytest.mark.parametrize("repeat", [0, -1])
def test_it_must_run_at_least_once(repeat):
    with pytest.raises(ValueError, match=str(repeat)):
        fastest(lambda: None, repeat=repeat)


def test_racers_take_turns_and_the_first_round_only_warms_up(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks) ** 2)
    turns = []
    times = race({name: lambda name=name: turns.append(name) for name in "ab"}, 2)
    assert "".join(turns) == "ababab"
    # Squares grow by odd numbers, so each turn takes longer than the one before.
    assert {name: t.wall.tolist() for name, t in times.items()} == {"a": [9, 17], "b": [13, 21]}


def test_a_race_has_a_round():
    with pytest.raises(ValueError, match="0"):
        race({}, 0)
