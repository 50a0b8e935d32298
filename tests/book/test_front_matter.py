"""What a chapter says of itself under `gluonbook` in its front matter."""

from __future__ import annotations

import json

import pytest

from gluonbook.profiles import NAMES, VARIABLE
from small_books import FRONT


@pytest.fixture
def taking(small_book):
    """Writes a chapter that takes these data, in a book whose manifest has the digits and MNIST."""
    small_book.write("data/manifest.json", json.dumps({"digits": {}, "mnist": {}}))

    def write(data):
        small_book.notebook("lenet", front=FRONT.replace("kernelspec", f"gluonbook: {data}\nkernelspec"))
        return small_book.book

    return write


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", ["{}", "{data: digits}", "{data: mnist}"])
def test_a_chapter_needs_the_data_that_it_names_but_in_quick(taking, monkeypatch, name, data):
    book = taking(data)
    monkeypatch.setenv(VARIABLE, name)
    real = "mnist" in data and name != "quick"
    assert book.chapters[-1].needs == (("mnist",) if real else ())


@pytest.mark.parametrize("data", ["mnits", "[mnist]", "null"])
def test_unknown_data_are_one_sentence_with_chapter_and_legal_names(taking, data):
    book = taking(f"{{data: {data}}}")
    sentence = "^chapters/lenet: front matter 'gluonbook: data': no data set .*; there are digits, mnist$"
    with pytest.raises(ValueError, match=sentence):
        _ = book.chapters


def test_a_mistyped_key_is_one_sentence(taking):
    book = taking("{dat: mnist}")
    with pytest.raises(ValueError, match=r"^chapters/lenet: .*\['dat'\]; legal are 'data' and 'timed'$"):
        _ = book.chapters


@pytest.mark.parametrize("own", ["[data]", "timed", "3"])
def test_what_is_no_mapping_is_one_sentence(taking, own):
    book = taking(own)
    with pytest.raises(ValueError, match=r"^chapters/lenet: front matter 'gluonbook' must be a mapping, got "):
        _ = book.chapters


def test_a_word_for_timed_is_one_sentence(taking):
    book = taking("{timed: maybe}")
    with pytest.raises(ValueError, match=r"^chapters/lenet: .*: timed' must be True or False, got 'maybe'$"):
        _ = book.chapters


def test_nothing_said_is_nothing_needed(taking):
    chapter = taking("").chapters[-1]
    assert (chapter.needs, chapter.timed) == ((), False)


def test_a_front_matter_that_is_no_yaml_is_one_sentence(taking):
    book = taking("{data: [")
    with pytest.raises(ValueError, match=r"^chapters/lenet: the front matter is not understood: "):
        _ = book.chapters
