"""Which of several parts that have ended badly is blamed."""

from __future__ import annotations

import itertools
import signal

import pytest

from gluonbook.launch import causes, logs, supervisor
from gluonbook.launch.causes import End
from gluonbook.launch.failure import not_started
from gluonbook.launch.setup import Plan, Setup
from gluonbook.rank import notes

TAKEN_ALONG = [129, 130, 137, 143]
SIGNALS = [-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGKILL, signal.SIGABRT, signal.SIGTERM)]
OTHERS = [1, 2, 127, 255, *SIGNALS]


@pytest.mark.parametrize("victim", TAKEN_ALONG)
@pytest.mark.parametrize("cause", [End(0, code) for code in OTHERS] + [End(0, 1, "raised ValueError: x"), End(0, 0)])
@pytest.mark.parametrize("later", [-1.0, 0.0, 1.0])
def test_who_was_taken_along_is_no_cause(victim, cause, later):
    ends = {
        "rank-0": End(0.5, victim),
        "rank-1": End(0.5 + later, cause.code, cause.reason),
        "rank-2": End(0.1, victim),
    }
    for order in itertools.permutations(ends):
        assert causes.first({name: ends[name] for name in order}) == "rank-1"


@pytest.mark.parametrize("codes", itertools.permutations([1, -11, -9, 0], 3))
def test_of_causes_the_first_in_time(codes):
    ends = {f"rank-{number}": End(10.0 - number, code) for number, code in enumerate(codes)}
    assert causes.first(ends) == "rank-2"


@pytest.mark.parametrize("codes", itertools.permutations(TAKEN_ALONG, 3))
def test_of_nothing_but_victims_the_first_in_time(codes):
    assert causes.first({str(number): End(10.0 - number, code) for number, code in enumerate(codes)}) == "2"


def test_every_status_has_words():
    for code in range(-64, 256):
        assert causes.described(code)
    assert causes.described(-11) == "was killed by SIGSEGV (signal 11)"
    assert causes.described(-40) == "was killed by a signal (signal 40)"
    assert causes.described(143) == "ended with exit status 143, as a program does that is sent SIGTERM"
    assert causes.described(7) == "ended with exit status 7"


@pytest.fixture
def three(tmp_path):
    """The supervisor of a run of three ranks and no process, and a function that lets one of them end."""
    names = [f"rank-{rank}" for rank in range(3)]
    setup = Setup([], 3, 1, None, None, [], {}, tmp_path, tmp_path, "none")
    watched = supervisor.Supervisor(setup, Plan([], names))

    def ends(rank: int, code: int, reason: str | None = None, log: str = "") -> None:
        own = notes.Notes(tmp_path, names[rank])
        own.write("started", "1 1")
        if reason:
            own.write("reason", f"{code} {reason}")
        own.write("ended", str(code))
        watched.setup.log(own.name).write_text(log)

    return watched, ends


@pytest.mark.parametrize("victim", TAKEN_ALONG)
@pytest.mark.parametrize("cause", [(-11, None), (1, "raised ValueError: x"), (1, None)])
def test_a_cause_that_is_told_a_moment_later(three, monkeypatch, victim, cause):
    watched, ends = three
    ends(0, victim)
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: ends(1, *cause))
    failed = watched.watch(lambda: None)
    assert failed.sentence == f"rank 1 {cause[1] or causes.described(cause[0])}"


def test_an_exit_by_the_script_itself_that_looks_like_a_victim(three):
    watched, ends = three
    ends(0, 143, "ended with exit status 143")
    ends(1, -signal.SIGSEGV)
    assert watched.watch(lambda: None).sentence == "rank 1 was killed by SIGSEGV (signal 11)"


def test_tails_are_for_people(three, tmp_path):
    watched, ends = three
    stack = (
        'Fatal Python error: Segmentation fault\n\nCurrent thread 0x0 (most recent call first):\n  File "x", line 1\n'
    )
    modules = f"\nExtension modules: {', '.join(f'numpy.core.m{i}' for i in range(300))} (total: 300)\n"
    ends(0, -signal.SIGSEGV, log=f"before\n{stack}{modules}{'y' * 5000}\n")
    report = watched.watch(lambda: None).report([], tmp_path)
    assert "Extension modules" not in report
    assert "before" in report and "Segmentation fault" in report
    assert max(map(len, report.splitlines())) < 600
    assert "(5000 characters)" in report
    assert logs.tail(tmp_path / "absent.log") == []


def test_what_was_to_start_a_rank_may_know_why_it_has_not(tmp_path):
    for name, said in [("rank-1", ""), ("mpiexec", "mpiexec could not exec b\n"), ("other", "")]:
        (tmp_path / f"{name}.log").write_text(said)
    files = [tmp_path / f"{name}.log" for name in ("rank-1", "mpiexec", "other", "absent")]
    failed = not_started(["rank-1", "rank-2"], 15, files[0], files[1:])
    assert failed.sentence == "rank 1, rank 2: not started within 15 s"
    assert failed.details == ["rank-1.log is empty", "the last lines of mpiexec.log:", "| mpiexec could not exec b"]
