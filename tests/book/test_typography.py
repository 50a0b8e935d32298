"""What a line of prose may not part stays together, and signs are what they mean; code and formulas are left alone."""

from __future__ import annotations

import pytest
from docutils import nodes

from gluonbook.book.sphinx_typography import set_prose


def line(*parts):
    """A paragraph of these parts, set."""
    paragraph = nodes.paragraph("", "", *(nodes.Text(part) if isinstance(part, str) else part for part in parts))
    set_prose(paragraph)
    return paragraph


def joined(paragraph):
    return [span.astext() for span in paragraph.findall(nodes.inline) if "gb-joined" in span["classes"]]


def formula():
    return nodes.math("", "x^2")


@pytest.mark.parametrize("closing", [",", ".", ";", ":", "?", ")", "),", "”", "–", "-"])
def test_a_formula_is_on_one_line_with_what_closes_behind_it(closing):
    paragraph = line("Let ", formula(), f"{closing} so that")
    assert joined(paragraph) == [f"x^2{closing}"]
    assert paragraph.astext() == f"Let x^2{closing} so that"


def test_a_formula_before_a_word_or_at_an_end_is_left_alone():
    for parts in ((formula(), " is"), ("with ", formula()), (nodes.literal("", "x"), ", y")):
        assert not joined(line(*parts))


def test_formulas_with_the_same_comma_behind_each():
    paragraph = line(formula(), ", ", formula(), ", ", formula(), ".")
    assert joined(paragraph) == ["x^2,", "x^2,", "x^2."]
    assert paragraph.astext() == "x^2, x^2, x^2."


def test_texts_that_do_not_know_where_they_stand_and_deep_ones():
    paragraph = nodes.paragraph("", "", nodes.emphasis("", "", formula(), nodes.Text(", -1")))
    paragraph.children.append(nodes.Text(" and -2"))  # as some extensions do
    set_prose(nodes.section("", paragraph))
    assert joined(paragraph) == ["x^2,"]
    assert paragraph.astext() == "x^2, −1 and −2"
    assert all(text.parent is not None for text in paragraph.findall(nodes.Text))


@pytest.mark.parametrize(
    ("typed", "is_set"),
    [
        ("from -0.7 to +0.9", "from −0.7 to +0.9"),
        ("-.5", "−.5"),
        ("(-1, 2)", "(−1, 2)"),
        ("2-bit, 2026-11-30, a-1, 1-2, x[i]-1", "2-bit, 2026-11-30, a-1, 1-2, x[i]-1"),
        ("data/-1 and --3", "data/-1 and --3"),
        ("83 % of it", "83\xa0% of it"),
        ("so many % of it", "so many % of it"),
    ],
)
def test_a_minus_and_a_per_cent(typed, is_set):
    assert line(typed).astext() == is_set


def test_what_a_cell_has_printed_is_prose_too():
    paragraph = line("a slope of ", nodes.inline("", "-0.74"), " and ", nodes.inline("", "91"), " %")
    assert paragraph.astext() == "a slope of −0.74 and 91\xa0%"


def test_a_title_that_asks_ends_its_sentence():
    def see(title, behind):
        return line("See ", nodes.reference("", "", nodes.inline("", title)), behind).astext()

    assert see("Does it pay?", ". Then") == "See Does it pay? Then"
    assert see("Does it pay?", ", and") == "See Does it pay?, and"
    assert see("It pays", ".") == "See It pays."


@pytest.mark.parametrize("element", [nodes.literal, nodes.math, nodes.raw, nodes.literal_block])
def test_code_formulas_and_html_are_left_alone(element):
    assert line(element("", "", nodes.Text("f(-1) % -2"))).astext() == "f(-1) % -2"
