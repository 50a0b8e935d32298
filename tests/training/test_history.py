from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from gluonbook.training.history import Epoch, History

FIRST = Epoch(1, 45, 1.1 / 3, 0.7, 0.5, 0.86, seconds=0.5, samples_per_second=2874.0)
SECOND = Epoch(2, 90, 0.1, 0.9, 0.4, 0.91, seconds=0.25, samples_per_second=5748.0)


def test_columns_are_arrays():
    history = History([FIRST, replace(SECOND, test_accuracy=None)])
    assert len(history) == 2
    np.testing.assert_array_equal(history["train_loss"], [1.1 / 3, 0.1])
    np.testing.assert_array_equal(history["test_accuracy"], [0.86, np.nan])
    assert history["steps"].dtype == np.int64
    assert History()["seconds"].shape == (0,)
    with pytest.raises(KeyError, match="no column 'loss'; there are epoch, steps, train_loss"):
        history["loss"]


def test_equality_ignores_time_and_nothing_else():
    history = History([FIRST, SECOND])
    assert history == History([replace(FIRST, seconds=9.0), replace(SECOND, samples_per_second=1.0)])
    for name in ("epoch", "steps", "train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        assert history != History([FIRST, replace(SECOND, **{name: 7})])
    assert history != History([FIRST])


def test_json_round_trip_is_exact():
    history = History([FIRST, replace(SECOND, test_loss=None, test_accuracy=None)])
    again = History.from_json(history.to_json())
    assert again == history
    assert again["seconds"].tolist() == history["seconds"].tolist()
    assert json.loads(history.to_json())[1]["test_loss"] is None
    assert History.from_json(History().to_json()) == History()


@pytest.mark.parametrize("text", ["", "{", "3", '[{"epoch": 1}]', '[{"loss": 1}]', "[1]"])
def test_what_is_no_history_is_refused(text):
    with pytest.raises(ValueError):
        History.from_json(text)


def test_text_is_a_markdown_table():
    lines = repr(History([FIRST, SECOND])).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[0].strip("|").split("|")][:3] == ["epoch", "steps", "train loss"]
    assert set(lines[1]) == set("|-:")
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "1", "45", "0.3667", "0.7000", "0.5000", "0.8600", "0.50", "2,874",
    ]  # fmt: skip


def test_what_was_not_measured_has_no_column():
    untested = [replace(row, test_loss=None, test_accuracy=None) for row in (FIRST, SECOND)]
    assert "test" not in repr(History(untested))
    assert "test" not in History(untested)._repr_html_()
    assert "train loss" in repr(History())


def test_html_is_an_accessible_table():
    html = History([FIRST, SECOND])._repr_html_()
    assert html.count("<caption>") == 1
    assert re.findall(r'<th scope="col">(.*?)</th>', html)[:2] == ["epoch", "steps"]
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["1", "2"]
    assert html.count("<td>") == 2 * 7
