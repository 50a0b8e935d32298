"""Claims: what holds is shown and recorded, what does not hold raises, what is malformed is refused."""

from __future__ import annotations

import math
import operator
import re
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mxnet import nd

from gluonbook import claims
from gluonbook.book import claims_table
from gluonbook.claims import RECORD, SOURCES, Claim, ClaimFailed, ClockClaimFailed, claim, format_value, holds, typeset

OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.fixture
def shown(monkeypatch):
    """What `claim` displays, as (data, metadata)."""
    outputs = []
    monkeypatch.setattr(claims, "display", lambda data, metadata: outputs.append((data, metadata)))
    return outputs


@given(numbers, st.sampled_from(sorted(OPERATORS)), numbers)
def test_a_condition_means_what_it_says(value, symbol, bound):
    assert holds(value, f"{symbol} {bound!r}") == OPERATORS[symbol](value, bound)


@given(numbers, numbers, numbers)
def test_and_joins(value, low, high):
    assert holds(value, f">= {low!r} and < {high!r}") == (low <= value < high)


@pytest.mark.parametrize("condition", [">= 0", "< 1", "!= 3", "== 0"])
def test_not_a_number_satisfies_nothing(condition):
    assert not holds(math.nan, condition)


@pytest.mark.parametrize("condition", ["", "0.95", ">= x", "=> 1", ">= 1 or < 0", "__import__('os')", ">= 1 and"])
def test_a_malformed_condition_is_refused_with_the_legal_ones(condition):
    with pytest.raises(ValueError, match=r"legal are comparisons"):
        holds(1.0, condition)


@pytest.mark.parametrize("id", ["", "Two Words", "under_score", "-x", "x--y", "é"])
def test_a_malformed_id_is_refused(shown, id):
    with pytest.raises(ValueError, match="claim id"):
        claim(id, "Sentence", 1, "> 0")
    assert shown == []


@pytest.mark.parametrize(
    "value",
    [0.5, np.float32(0.5), np.array([0.5]), nd.array([0.5]), np.array(0.5)],
    ids=lambda value: type(value).__name__,
)
def test_one_number_in_any_clothes(shown, value):
    claim("half", "It is a half", value, "== 0.5")
    assert shown[0][1][RECORD]["value"] == 0.5


def test_a_claim_on_a_clock_fails_as_such_and_says_how_busy_the_machine_was(shown, monkeypatch):
    monkeypatch.setattr(claims.load, "busy", lambda: "the machine is busy")
    claim("fast", "Times faster", 3, ">= 2", clock=True)
    with pytest.raises(ClockClaimFailed, match=r"^fast does not hold: .* \(claimed: >= 2\); the machine is busy$"):
        claim("fast", "Times faster", 1.5, ">= 2", clock=True)
    with pytest.raises(ClaimFailed) as other:
        claim("fast", "Times faster", 1.5, ">= 2")
    assert other.type is ClaimFailed


def test_a_truth_value_counts(shown):
    claim("true", "It is true", True, "== 1")
    claim("also-true", "It is true", np.bool_(True), "== 1")
    assert [output[1][RECORD]["value"] for output in shown] == [1, 1]


@pytest.mark.parametrize("value", [[1, 2], np.zeros(2), nd.zeros(2), "1", None])
def test_anything_else_is_refused(shown, value):
    with pytest.raises(TypeError, match="one number"):
        claim("many", "Sentence", value, "> 0")


def test_infinity_is_refused(shown):
    with pytest.raises(ValueError, match="finite"):
        claim("endless", "Sentence", math.inf, "> 0")


def test_a_claim_that_holds_is_shown_and_recorded(shown):
    claim("small", "A < B & C", 0.25, "<= 0.5")
    ((data, metadata),) = shown
    assert "A &lt; B &amp; C" in data["text/html"]
    assert "Measured" in data["text/html"]
    assert "—\xa0<strong>0.25</strong> <small>(claimed:\xa0≤\xa00.5)</small>" in data["text/html"]
    assert data["text/plain"] == "small holds: A < B & C: 0.25 (claimed: <= 0.5)"
    record = metadata[RECORD]
    assert (record["id"], record["sentence"], record["condition"]) == ("small", "A < B & C", "<= 0.5")
    assert record["holds"]
    assert record["profile"] == "quick"
    assert record["versions"]["mxnet"]
    assert record["machine"]["cores"] >= 1
    assert len(record["date"]) == len("2026-01-31")


@pytest.mark.parametrize("source", SOURCES)
def test_a_claim_says_where_its_value_comes_from(shown, source):
    claim("formula", "Sentence", 1, "== 1", source=source)
    assert source.capitalize() in shown[0][0]["text/html"]
    assert shown[0][1][RECORD]["source"] == source


def test_an_unknown_source_is_refused(shown):
    with pytest.raises(ValueError, match="source must be 'measured' or 'derived' or 'stored', got 'guessed'"):
        claim("formula", "Sentence", 1, "== 1", source="guessed")


def test_the_table_counts_sources():
    def made(id, source):
        return Claim(id, "A | B", 1, "== 1", True, source, "quick", "2026-01-31", {"cores": 2}, {"mxnet": "1.9.1"})

    chapter = types.SimpleNamespace(name="chapters/part/one")
    claims = [(chapter, made(f"c{i}", source)) for i, source in enumerate(["measured", "measured", "stored"])]
    table = claims_table.markdown(claims)
    assert "3 claims: 2 measured, 1 stored." in table
    assert re.search(r"^\| A .* B \(`c2`\) +\| +1 \| stored ", table, re.MULTILINE)


def test_a_claim_that_does_not_hold_is_shown_and_raises(shown):
    with pytest.raises(ClaimFailed, match=r"low does not hold: Sentence: 0\.1 \(claimed: >= 0\.95\)"):
        claim("low", "Sentence", 0.1, ">= 0.95")
    assert "Does not hold" in shown[0][0]["text/html"]
    assert not shown[0][1][RECORD]["holds"]


def test_a_claim_in_a_plain_interpreter_prints(monkeypatch, capsys):
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: False)
    claim("plain", "Sentence", 1, "== 1")
    assert capsys.readouterr().out == "plain holds: Sentence: 1 (claimed: == 1)\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (0.98316, "0.9832"),
        (1e-7, "1e−07"),
        (math.inf, "inf"),
        (-0.0, "0"),
        (-0.25, "−0.25"),
        (1234567.8, "1.235e+06"),
    ],
)
def test_values_are_written_for_the_eye(value, text):
    assert format_value(value) == text


def test_conditions_are_typeset():
    assert typeset(">= 1 and <= 2e3 and != -1e-3") == "≥\xa01 and ≤\xa02e3 and ≠\xa0−1e−3"


@pytest.mark.parametrize("sentence", ["It is, in the mean,", "It is, in the mean:", "It is, in the mean"])
def test_what_leads_to_the_number_is_not_kept(shown, sentence):
    claim("mean", sentence, 1, "== 1")
    assert shown[0][1][RECORD]["sentence"] == "It is, in the mean"
