from __future__ import annotations

import re

import pytest
from IPython.lib.pretty import pretty

from gluonbook.tables import Table

TABLE = Table(["name", "loss"], [["SGD", "0.5"], ["a|b\nc", "12.25"]], right=["loss"], caption="Losses < 20")


def test_markdown_lines_up_and_no_cell_breaks_it():
    assert str(TABLE).splitlines() == [
        "| name   |  loss |",
        "|--------|------:|",
        "| SGD    |   0.5 |",
        r"| a\|b c | 12.25 |",
    ]
    assert str(Table(["a"], [])) == "| a |\n|---|"


def test_html_says_which_head_a_cell_belongs_to():
    html = TABLE._repr_html_()
    assert "<caption>Losses &lt; 20</caption>" in html
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["name", "loss"]
    assert '<tr><th scope="row">SGD</th><td>0.5</td></tr>' in html
    assert "<td>&lt;b&gt;</td>" in Table(["a", "b"], [["1", "<b>"]])._repr_html_()
    assert "caption" not in Table(["a"], [])._repr_html_()


def test_a_bar_that_is_escaped_already_stays_as_it_is():
    assert r"| a\|b |" in str(Table(["x"], [[r"a\|b"]]))


def test_what_does_not_fit_the_head_is_named():
    with pytest.raises(ValueError, match=re.escape("a row has 2 cells, one for each of ['a', 'b'], got ['1']")):
        Table(["a", "b"], [["1", "2"], ["1"]])
    with pytest.raises(ValueError, match="no column c; there are a, b"):
        Table(["a", "b"], [], right=["c"])


def test_a_shell_shows_a_table_as_text():
    assert pretty(TABLE) == str(TABLE)


def test_a_zero_has_no_sign():
    rows = [["a", "-0.00"], ["b", "−0"], ["c", "-0.01"], ["d", "+0.0"], ["-0.0 %", "-0.0%"]]
    html = Table(["x", "y"], rows)._repr_html_()
    assert re.findall("<td>(.*?)</td>", html) == ["0.00", "0", "-0.01", "+0.0", "0.0%"]
    assert "| a " in str(Table(["x", "y"], rows))
    assert "-0.00" not in str(Table(["x", "y"], rows))
