"""The load: a busy machine is told from a quiet one by what it makes a program wait."""

from __future__ import annotations

import subprocess

import pytest

from gluonbook.machine import facts, load


@pytest.fixture
def neighbours():
    """Four endless loops for each core."""
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4 * facts.cores())]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


@pytest.fixture
def slowdowns(monkeypatch):
    """What `slowdown` finds, one after the other; the last one stays."""
    found = []
    monkeypatch.setattr(load, "slowdown", lambda: found.pop(0) if len(found) > 1 else found[0])
    return found


def test_endless_loops_beside_it_slow_a_program_down(neighbours):
    assert load.slowdown() > 2


def test_nobody_is_faster_than_alone():
    assert load.slowdown() > 0.9


def test_it_waits_until_the_machine_is_quiet_and_no_longer(slowdowns, monkeypatch):
    slept = []
    monkeypatch.setattr(load.time, "sleep", slept.append)
    slowdowns[:] = [9.0, 4.0, 1.1]
    assert load.wait_until_quiet(1000) == 1.1
    assert len(slept) == 2


def test_it_does_not_wait_for_ever(slowdowns):
    slowdowns[:] = [9.0]
    assert load.wait_until_quiet(0) == 9.0


def test_a_limit_of_a_quiet_machine(slowdowns):
    slowdowns[:] = [1.0]
    limit = load.Limit(10)
    assert [limit.passed(seconds) for seconds in (1, 9.9, 10, 10.1)] == [False, False, False, True]


def test_a_slow_machine_gets_more_as_long_as_it_is_slow(slowdowns):
    slowdowns[:] = [3.0, 5.0, 2.0]
    limit = load.Limit(10)
    assert [limit.passed(seconds) for seconds in (11, 29, 31, 49, 51)] == [False, False, False, False, True]
    assert slowdowns == [2.0]


@pytest.mark.parametrize(("found", "words"), [(1.1, "the machine is quiet now"), (4.6, "take 4.6 times as long as")])
def test_it_says_how_busy_the_machine_is(slowdowns, found, words):
    slowdowns[:] = [found]
    assert words in load.busy()
    assert f"cores {facts.cores()})" in load.busy()
