"""The command: what readers ask from a shell, and what they are told when it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cells import rows
from gluonbook import cli, datasets
from gluonbook.book import outcomes
from gluonbook.book.execute import execute
from gluonbook.book.outcomes import Outcome
from gluonbook.cli import app

CLAIM = """
    from gluonbook.claims import claim
    claim("two", "Two is more than one", 2, "> 1")
"""


def ask(*words: str):
    return CliRunner().invoke(app, list(words))


def test_it_says_what_it_can_do():
    said = ask("--help").output
    for command in ("doctor", "claims", "report", "data"):
        assert command in said


def test_claims_as_a_table_and_as_json(small_checkout):
    small_checkout.notebook("measured", CLAIM)
    execute(small_checkout.book)
    found = rows(ask("claims").output)
    assert ["Two is more than one (`two`)", "2", "measured", "> 1", "{doc}`/chapters/measured`"] in found
    (claim,) = json.loads(ask("claims", "--json").output)
    assert claim["id"] == "two"
    assert claim["value"] == 2


def test_claims_before_anything_was_executed(small_checkout):
    assert "No chapter has been executed yet" in ask("claims").output


def test_a_report_puts_this_machine_beside_those_that_are_stored(small_checkout):
    small_checkout.notebook("measured", CLAIM)
    small_checkout.notebook("other", CLAIM.replace('"two"', '"three"'))
    machine = {"os": "Some Linux", "cpu": "Some CPU", "cores": 2, "memory": 8.0, "gpus": []}
    stored = Outcome("chapters/measured", "quick", machine, "2026-01-01", "c0ffee", "aa", seconds=30.0, held=3)
    kept = [stored, replace(stored, profile="full", seconds=99.0)]
    outcomes.keep(small_checkout.root, kept, {stored.chapter})
    told = "30 s, 3 claims, on Some CPU, 2 cores, 8.0 GiB, no GPU, Some Linux, 2026-01-01, of an older text"
    assert ["chapters/measured", "no result", "", "", told] in rows(ask("report").output)
    execute(small_checkout.book, only=small_checkout.book.running[:1])
    found = rows(ask("report").output)
    assert ["chapters/other", "no result", "", "", "not yet run"] in found
    (own,) = [row for row in found if row[0] == "chapters/measured"]
    assert own[2] == "1" and own[4] == told
    answer = json.loads(ask("report", "--json").output)
    measured, other = answer["chapters"]
    assert answer["profile"] == "quick" and measured["here"]["held"] == 1 and other["here"] is None
    assert [one["seconds"] for one in measured["stored"]] == [30.0]


def test_two_claims_of_one_name_are_refused(small_checkout):
    small_checkout.notebook("one", CLAIM)
    small_checkout.notebook("other", CLAIM)
    execute(small_checkout.book)
    result = ask("claims")
    assert result.exit_code == 1
    assert "more than once: two" in str(result.exception)


@pytest.mark.parametrize("status", [0, 1])
def test_the_doctor_gives_the_exit_status(monkeypatch, status):
    monkeypatch.setattr(cli.doctor, "run", lambda json, chapter, workshop: status)
    assert ask("doctor").exit_code == status


def test_data_are_listed():
    said = ask("data").output
    for name in datasets.NAMES:
        assert name in said


def test_a_missing_data_set_is_one_message(monkeypatch):
    def fetch(name):
        raise datasets.DatasetError("train.gz is not here: put it there")

    monkeypatch.setattr(datasets, "fetch", fetch)
    result = ask("data", "mnist")
    assert result.exit_code == 1
    assert "put it there" in str(result.exception) + result.output


def test_a_series_is_not_asked_for_as_a_file():
    result = ask("data", "sunspots")
    assert result.exit_code == 1
    assert "comes with the package: gluonbook.series.load('sunspots')" in str(result.exception)


def test_the_doctor_needs_no_mxnet():
    code = "import sys; sys.modules['mxnet'] = None; import gluonbook.cli"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("deadline", ["-1", "1e10", "nan"])
def test_a_deadline_is_refused_in_the_words_of_the_shell(deadline):
    refusal = str(ask("run", f"--deadline={deadline}", __file__).exception)
    assert refusal == f"--deadline (s, 0 for never) must be a number in [0, 1e+09], got {float(deadline)}"


def test_an_error_that_the_user_can_mend_is_one_message():
    command = Path(sys.executable).with_name("gluonbook")
    done = subprocess.run([command, "data", "mnits"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "mnits" in done.stderr
    assert "mnist" in done.stderr
    assert "Traceback" not in done.stderr
