"""The agendas of the book, agendas with mistakes, and each look of the pre-flight on machines that are made up."""

from __future__ import annotations

import json
import socket
import sys
from types import SimpleNamespace

import pytest

from gluonbook import datasets, doctor, launch
from gluonbook.book.agendas import FILE, MODULES, Agenda, Step, modules, read
from gluonbook.book.chapters import Book
from gluonbook.doctor import NOTE, OK, PROBLEM, Ahead, Check, Outlook, preflight
from gluonbook.exercises.catalogue import catalogue

pytestmark = pytest.mark.slow

BOOK = Book.here()


@pytest.fixture
def day(tmp_path):
    """Write an agenda of these steps, and read it."""

    def write(*steps: dict) -> tuple[Agenda, ...]:
        (tmp_path / FILE).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / FILE).write_text(json.dumps({"day": {"title": "A day", "start": "23:30", "steps": steps}}))
        return read(tmp_path)

    return write


class TestAgendas:
    def test_half_a_day_and_a_full_day_are_as_long_as_they_say(self):
        half, full = BOOK.agendas
        assert (half.name, half.minutes, half.clock(len(half.steps))) == ("half_day", 240, "13:00")
        assert (full.name, full.minutes, full.clock(len(full.steps))) == ("full_day", 480, "17:00")
        assert set(half.chapters) < set(full.chapters), "whoever has checked the full day has checked both"

    @pytest.mark.parametrize("agenda", [*BOOK.agendas, *BOOK.modules], ids=lambda agenda: agenda.name)
    def test_they_teach_chapters_in_the_book_s_order_and_set_their_exercises(self, agenda):
        order = [chapter.name for chapter in BOOK.chapters]
        assert [order.index(name) for name in agenda.chapters] == sorted(order.index(name) for name in agenda.chapters)
        known = catalogue()
        for step in agenda.steps:
            assert not step.set or set(step.set) <= set(known[step.chapter.removeprefix("chapters/")].names)

    @pytest.mark.parametrize("agenda", [*BOOK.agendas, *BOOK.modules], ids=lambda agenda: agenda.name)
    def test_nobody_sits_for_more_than_two_hours(self, agenda):
        sitting = 0
        for step in agenda.steps:
            sitting = 0 if step.pause else sitting + step.minutes
            assert sitting <= 135

    def test_a_module_is_at_most_two_hours_and_no_chapter_is_in_two(self):
        assert all(module.minutes <= 120 for module in BOOK.modules)
        taught = [name for module in BOOK.modules for name in module.chapters]
        assert len(taught) == len(set(taught)) and not set(taught) & {n for day in BOOK.agendas for n in day.chapters}

    def test_the_clock_goes_past_midnight(self, day):
        (agenda,) = day({"what": "Late", "teach": 45}, {"what": "Rest", "pause": 10})
        assert [agenda.clock(step) for step in range(3)] == ["23:30", "00:15", "00:25"]

    @pytest.mark.parametrize(
        ("step", "words"),
        [
            ({"teach": 5}, "either 'what' or 'chapter'"),
            ({"what": "a", "chapter": "b", "teach": 5}, "either 'what' or 'chapter'"),
            ({"what": "a", "teach": -5}, "teach in 'a' must be a whole number from 0"),
            ({"what": "a", "teach": "5"}, "got '5'"),
            ({"what": "a", "exercises": 5}, "minutes for exercises need some"),
            ({"what": "a", "set": ["x"]}, "exercises need minutes"),
            ({"what": "a", "minutes": 5}, "minutes"),
        ],
    )
    def test_a_mistake_is_named(self, day, step, words):
        with pytest.raises(ValueError, match=words):
            day(step)

    def test_a_module_begins_when_it_begins_and_its_mistakes_name_its_file(self, tmp_path):
        file = tmp_path / MODULES
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"m": {"title": "A module", "steps": [{"what": "Talk", "teach": 90}]}}))
        (module,) = modules(tmp_path)
        assert [module.clock(step) for step in range(2)] == ["00:00", "01:30"]
        for broken in ("[]", json.dumps({"m": {"steps": []}})):
            file.write_text(broken)
            with pytest.raises(ValueError, match=r"^chapters/back_matter/modules\.json: "):
                modules(tmp_path)

    def test_no_book_no_agendas(self):
        with pytest.raises(FileNotFoundError, match="installed without it"):
            read(None)


def outlook(*needs: str) -> Outlook:
    taught = sorted({name for agenda in (*BOOK.agendas, *BOOK.modules) for name in agenda.chapters})
    return Outlook(tuple(Ahead(name, needs, False, None, "") for name in taught))


class TestData:
    def test_the_digits_are_always_there(self):
        check = preflight.data(outlook())
        assert check.status == OK and "digits" in check.finding

    @pytest.mark.parametrize("state", ["missing", "damaged"])
    def test_a_data_set_that_is_not_sound_is_a_problem(self, monkeypatch, state):
        monkeypatch.setattr(datasets, "status", lambda name: SimpleNamespace(state=state))
        check = preflight.data(outlook("mnist", "cifar10"))
        assert check.status == PROBLEM and "`gluonbook data cifar10 mnist`" in check.remedy
        monkeypatch.setattr(datasets, "status", lambda name: SimpleNamespace(state="present"))
        assert preflight.data(outlook("mnist")).status == OK

    def test_chapters_that_are_not_known(self):
        check = preflight.data(Outlook((), "the book's tooling is not installed"))
        assert check.status == PROBLEM and "lenet" in check.finding and "tooling" in check.finding


class TestLaunches:
    @pytest.mark.parametrize("engine", ["mpi", "pslite"])
    def test_two_workers_agree_here(self, engine):
        check = preflight.launches(engine)
        assert check.status == OK, check.finding
        assert "2 workers agreed" in check.finding

    @pytest.mark.parametrize(
        "error",
        [
            launch.LaunchError("no free port"),
            launch.LaunchFailed("rank-1 was killed by SIGKILL", {}, {}, 1.0),
        ],
        ids=["not started", "failed"],
    )
    def test_what_went_wrong_is_told(self, monkeypatch, error):
        def run(*args, **options):
            raise error

        monkeypatch.setattr(launch, "run", run)
        check = preflight.launches("mpi")
        assert check.status == PROBLEM and str(error) in check.finding and check.remedy

    def test_workers_that_disagree(self, monkeypatch):
        done = SimpleNamespace(log=lambda rank: f"rank {rank} of 1: the mean is 0", seconds=1.0)
        monkeypatch.setattr(launch, "run", lambda *args, **options: done)
        check = preflight.launches("mpi")
        assert check.status == PROBLEM and "disagree: rank 0 of 1" in check.finding


class TestRoom:
    @pytest.mark.parametrize(
        ("memory", "disk", "words"), [(8, 9, ""), (1, 9, "Close"), (8, 0.5, "TMPDIR"), (1, 0.5, "TMPDIR")]
    )
    def test_what_is_short_is_named(self, monkeypatch, memory, disk, words):
        monkeypatch.setattr(preflight.facts, "memory", lambda: 16.0)
        monkeypatch.setattr(preflight.psutil, "virtual_memory", lambda: SimpleNamespace(available=memory * 2**30))
        monkeypatch.setattr(preflight.shutil, "disk_usage", lambda folder: SimpleNamespace(free=disk * 2**30))
        check = preflight.room()
        assert check.status == (PROBLEM if words else OK)
        assert words in check.remedy and f"{memory:.1f} GiB" in check.finding


class TestJupyterLab:
    def test_it_starts_here_and_is_ended(self):
        before = {process.pid for process in preflight.psutil.Process().children()}
        check = preflight.jupyterlab()
        assert check.status == OK, check.finding
        assert {process.pid for process in preflight.psutil.Process().children()} <= before

    def test_one_that_cannot_start_says_why(self, monkeypatch, tmp_path):
        broken = tmp_path / "python"
        broken.write_text("#!/bin/sh\necho 'No module named tornado' >&2\nexit 1\n")
        broken.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(broken))
        check = preflight.jupyterlab()
        assert check.status == PROBLEM and "No module named tornado" in check.finding and "make lab" in check.remedy

    def test_one_that_hangs_is_given_up(self, monkeypatch, tmp_path):
        hanging = tmp_path / "python"
        hanging.write_text("#!/bin/sh\nexec sleep 60\n")
        hanging.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(hanging))
        monkeypatch.setattr(preflight, "_PATIENCE", 0.5)
        assert "it printed nothing" in preflight.jupyterlab().finding

    def test_one_that_is_not_installed(self, monkeypatch):
        monkeypatch.setattr(preflight.supported, "version", lambda name: None)
        assert preflight.jupyterlab().status == PROBLEM

    def test_a_port_that_is_taken_is_a_note(self, monkeypatch):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            monkeypatch.setattr(preflight, "_PORT", other.getsockname()[1])
            assert preflight.port().status == NOTE
        assert preflight.port().status == OK


def test_the_pre_flight_is_made_when_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_LOOKS", {})
    monkeypatch.setattr(doctor, "outlook", lambda: Outlook((), "no book"))
    asked = []
    for name in ("data", "launches", "room", "jupyterlab", "port"):
        look = lambda *args, name=name: asked.append(name) or Check(name, OK, "fine")  # noqa: E731
        monkeypatch.setattr(preflight, name, look)
    assert doctor.run(json=True) == 0 and not asked
    assert doctor.run(json=True, workshop=True) == 0
    assert asked == ["data", "launches", "launches", "room", "jupyterlab", "port"]


def test_a_step_counts_all_its_minutes():
    assert Step(chapter="a", teach=5, exercises=10, pause=2, set=("x",)).minutes == 17
