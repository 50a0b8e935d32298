"""Outcomes that are kept with the book: what they say of a chapter, a failure too, and the page made of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cells import rows
from gluonbook.book import outcomes, what_has_run
from gluonbook.book.__main__ import app
from gluonbook.book.execute import execute
from gluonbook.book.outcomes import Outcome
from gluonbook.book.times import RunTimes

CLAIM = """
    from gluonbook.claims import claim
    claim("two", "Two is more than one", 2, "> 1")
"""
FALSE = (
    CLAIM
    + """
    claim("three", "Three is less than two", 3, "< 2")
"""
)
HERE = {"os": "Some Linux", "cpu": "Some CPU", "cores": 2, "memory": 8.0, "gpus": []}
THERE = {**HERE, "cpu": "Another CPU", "gpus": ["Some GPU"]}
ONE = Outcome("chapters/one", "quick", HERE, "2026-01-01", "c0ffee", "aa", seconds=30.0, devices=("cpu(0)",), held=3)


def changed(**fields) -> Outcome:
    return dataclasses.replace(ONE, **fields)


def test_one_outcome_is_kept_for_each_chapter_profile_and_machine(tmp_path):
    others = [changed(profile="full"), changed(machine=THERE, devices=("gpu(0)",)), changed(chapter="chapters/two")]
    outcomes.keep(tmp_path, [ONE, *others], {"chapters/one", "chapters/two"})
    later = changed(date="2026-01-02", seconds=31.0)
    file = outcomes.keep(tmp_path, [later], {"chapters/one", "chapters/two"})
    assert set(map(repr, outcomes.read(tmp_path))) == set(map(repr, [later, *others]))
    assert len(file.read_text().splitlines()) == 2 + 4  # one line each


def test_what_went_well_ran_to_its_end_with_all_its_claims():
    assert ONE.went_well
    wrong = [{"failed": ("two",)}, {"stopped": "ValueError"}, {"seconds": None, "estimate": 9.0}]
    assert not any(changed(**fields).went_well for fields in wrong)


def test_nothing_is_left_of_a_chapter_that_has_gone(tmp_path):
    outcomes.keep(tmp_path, [ONE, changed(chapter="chapters/two")], {"chapters/one", "chapters/two"})
    outcomes.keep(tmp_path, [], {"chapters/two"})
    assert [one.chapter for one in outcomes.read(tmp_path)] == ["chapters/two"]


def test_the_same_run_without_its_processor_time_does_not_take_this_away(tmp_path):
    outcomes.keep(tmp_path, [changed(cpu_seconds=20.0)], {"chapters/one"})
    outcomes.keep(tmp_path, [ONE], {"chapters/one"})
    assert [one.cpu_seconds for one in outcomes.read(tmp_path)] == [20.0]


def test_a_writing_that_is_broken_off_leaves_what_was_there(tmp_path, monkeypatch):
    outcomes.keep(tmp_path, [ONE], {"chapters/one"})

    def broken_off(file, text, **_):
        with file.open("wb") as half:
            half.write(b"[")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", broken_off)
    monkeypatch.setattr(Path, "write_text", broken_off)
    with pytest.raises(KeyboardInterrupt):
        outcomes.keep(tmp_path, [changed(profile="full")], {"chapters/one"})
    assert outcomes.read(tmp_path) == (ONE,)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"profile": "fast"}, r"profile 'fast' of chapters/one; the profiles are quick, ci, full"),
        ({"machine": {"cpu": "one", "cores": 2, "gpus": []}}, r"the machine of chapters/one lacks memory, os"),
        ({"estimate": 9.0}, r"chapters/one has run, in `seconds`, or has an `estimate`"),
        ({"seconds": None}, r"chapters/one has run, in `seconds`, or has an `estimate`"),
    ],
)
def test_what_cannot_be_is_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        changed(**fields)


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '[{"chapter": "x"}]', '[{"unknown": 1}]', "no JSON"])
def test_a_file_that_is_not_understood_is_named(small_book, text):
    small_book.write(outcomes.FILE, text)
    with pytest.raises(ValueError, match=outcomes.FILE):
        outcomes.read(small_book.root)


def test_newcomers_are_told_times_of_one_machine_and_of_what_went_well(tmp_path):
    kept = [
        changed(date="2026-01-03"),
        changed(chapter="chapters/two", machine=THERE),
        changed(chapter="chapters/three", stopped="ValueError: no"),
        changed(chapter="chapters/four", seconds=None, estimate=9.0),
        changed(chapter="chapters/five", profile="full"),
    ]
    outcomes.keep(tmp_path, kept, {one.chapter for one in kept})
    assert RunTimes.read(tmp_path) == RunTimes("quick", HERE, "2026-01-03", {"chapters/one": 30.0})
    names = ["chapters/one", "chapters/three", "chapters/two"]
    elsewhere = [changed(chapter=name, machine=THERE, date="2026-01-02") for name in names]
    outcomes.keep(tmp_path, elsewhere, {one.chapter for one in kept})
    assert list(RunTimes.read(tmp_path).seconds) == names  # of the machine of which most is known
    assert RunTimes.read(tmp_path / "elsewhere") == RunTimes()


def test_a_chapter_that_is_tried_leaves_its_outcome_a_failure_too(small_checkout):
    small_checkout.notebook("good", CLAIM)
    small_checkout.notebook("bad", FALSE)
    result = CliRunner().invoke(app, ["try", "good", "bad"])
    assert result.exit_code == 1 and "ClaimFailed" in result.output
    bad, good = small_checkout.book.outcomes
    assert good.went_well and (good.held, good.failed) == (1, ())
    assert not bad.went_well and (bad.held, bad.failed) == (1, ("three",))
    assert bad.stopped.startswith("ClaimFailed: three does not hold")
    for one in good, bad:
        assert one.seconds > 0 and one.cpu_seconds > 0 and one.profile == "quick" and one.devices == ("cpu(0)",)
    again = CliRunner().invoke(app, ["try", "good"])  # it is taken from the cache, and costs no processor time
    assert again.exit_code == 0
    assert {one.chapter: one for one in small_checkout.book.outcomes}["chapters/good"] == good


def test_a_chapter_that_there_is_not_is_named_with_those_there_are(small_checkout):
    small_checkout.notebook("good", CLAIM)
    for command in ["try", "god"], ["too-long", "god", "9"]:
        assert "no chapter 'god'; those with cells are good" in str(CliRunner().invoke(app, command).exception)


@pytest.mark.parametrize("name", ["part/good", "chapters/part/good"])
def test_a_chapter_goes_by_its_name_with_or_without_the_first_folder(small_checkout, name):
    small_checkout.notebook("part/good", CLAIM)
    assert CliRunner().invoke(app, ["too-long", name, "9"]).exit_code == 0
    assert [one.chapter for one in small_checkout.book.outcomes] == ["chapters/part/good"]


@pytest.mark.parametrize("seconds", ["inf", "nan", "0"])
def test_what_takes_too_long_takes_seconds_that_can_be_counted(small_checkout, seconds):
    small_checkout.notebook("good", CLAIM)
    refused = CliRunner().invoke(app, ["too-long", "good", seconds]).exception
    assert str(refused) == f"seconds must be a number in (0, inf), got {float(seconds)}"
    assert small_checkout.book.outcomes == ()


def test_no_folder_of_the_machine_is_kept(small_checkout):
    small_checkout.notebook("bad", 'open("/some/where/file.txt")')
    CliRunner().invoke(app, ["try", "bad"])
    (one,) = small_checkout.book.outcomes
    assert one.stopped.endswith("No such file or directory: 'file.txt'")


def test_times_keeps_what_was_executed(small_checkout):
    assert "run `make book` first" in str(CliRunner().invoke(app, ["times"]).exception)
    small_checkout.notebook("good", CLAIM)
    execute(small_checkout.book)
    assert CliRunner().invoke(app, ["times"]).exit_code == 0
    (one,) = small_checkout.book.outcomes
    assert one.held == 1 and one.cpu_seconds is None


def test_the_page_tells_what_has_run_what_has_not_and_what_is_of_an_older_text(small_checkout, monkeypatch):
    small_checkout.notebook("good", CLAIM)
    small_checkout.notebook("deep", 'from gluonbook.machine.devices import devices\nprint("a GPU, if there is one")')
    small_checkout.write("src/gluonbook/machine/devices.py", "")
    small_checkout.write("src/gluonbook/__init__.py", "")
    small_checkout.write("src/gluonbook/machine/__init__.py", "")
    small_checkout.notebook("plain", "print(1)")
    good, deep, _ = small_checkout.book.running
    text = what_has_run.text_of(good.notebook())
    monkeypatch.setenv("GLUONBOOK_PROFILE", "full")
    kept = [
        changed(chapter=good.name, text=text, cpu_seconds=20.0),
        changed(chapter=good.name, profile="ci", failed=("two", "three"), stopped="ClaimFailed: two"),
        changed(chapter=good.name, profile="full", text=text, stopped="ValueError: a <b> *c*"),
        changed(chapter=good.name, machine=THERE, devices=("gpu(0)",), text=text, held=1),
        what_has_run.too_long(deep, "2026-01-05", 7200.0),
    ]
    page = what_has_run.markdown(small_checkout.book, kept)
    assert rows(page)[2:] == [
        [
            "{doc}`/chapters/good`",
            "30 s (processor: 20 s), 3 claims, on M1, 2026‑01‑01",
            "stopped after 30 s and 3 claims: `two`, `three` does not hold, on M1, 2026‑01‑01, of an older text",
            "stopped after 30 s and 3 claims: ValueError: a \\<b\\> \\*c\\*, on M1, 2026‑01‑01",
            "30 s, 1 claim, on M2, 2026‑01‑01",
        ],
        [
            "{doc}`/chapters/deep`",
            "not yet run",
            "not yet run",
            "not run: about 2.0 h, on M3, 2026‑01‑05",
            "not yet seen: needs a GPU",
        ],
        ["{doc}`/chapters/plain`", "not yet run", "not yet run", "not yet run", "asks for none"],
    ]
    assert "1 in `quick`, 0 in `ci`, 0 in `full`" in page and "1 have not been seen on one yet" in page
    assert "- M2: Another CPU, 2 cores, 8.0 GiB, Some GPU, Some Linux" in page


def test_what_is_stored_with_the_book_is_of_its_chapters_and_names_no_folder(book):
    assert book.outcomes
    assert {one.chapter for one in book.outcomes} <= {chapter.name for chapter in book.running}
    assert not [one for one in book.outcomes if "/" in one.stopped]
    assert json.loads((book.root / outcomes.FILE).read_text())
