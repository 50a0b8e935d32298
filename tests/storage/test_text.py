"""Text that others have written, as their editors leave it."""

from __future__ import annotations

import codecs

import pytest

from gluonbook.storage.text import NotText, read_lines, read_output, read_text, spelled_like

TEXT = "# Grüße\n\nx² ≤ 3\n"
SAME = {
    "as it is": TEXT.encode(),
    "byte order mark": TEXT.encode("utf-8-sig"),
    "CR LF": TEXT.replace("\n", "\r\n").encode(),
    "mark and CR LF": TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
    "CR alone": TEXT.replace("\n", "\r").encode(),
    "mixed": TEXT.replace("\n", "\r\n", 1).replace("3\n", "3\r").encode(),
}
KEPT = {
    "nothing": "",
    "no last line end": "one\ntwo",
    "blanks, tabs, form feed": "one  \n\ttwo\x0c\n \n",
    "other separators": "one\x85two\u2028three\x1cfour\n",
    "a mark inside": "one\ufefftwo\n",
}
REFUSED = {
    "UTF-16": ("one\n".encode("utf-16"), "is in UTF-16: save it in UTF-8"),
    "UTF-16, other end": (codecs.BOM_UTF16_BE + "one\n".encode("utf-16-be"), "is in UTF-16: save it in UTF-8"),
    "UTF-16 without a mark": ("one\n".encode("utf-16-le"), "is no text: there is a null character in line 1"),
    "UTF-32": ("one\n".encode("utf-32"), "is in UTF-32: save it in UTF-8"),
    "Latin 1": ("one\ntwo\r\nGrüße\n".encode("latin-1"), "is not in UTF-8: byte 0xfc in line 3"),
    "Latin 1 behind a mark": (codecs.BOM_UTF8 + "\rü".encode("latin-1"), "is not in UTF-8: byte 0xfc in line 2"),
    "cut in a character": ("one\nü".encode()[:-1], "is not in UTF-8: byte 0xc3 in line 2"),
    "a null character": (b"one\ntwo\0", "is no text: there is a null character in line 2"),
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "text.md"


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_it_says_the_same_however_it_is_spelled(file, data):
    file.write_bytes(data)
    assert read_text(file) == TEXT
    assert read_lines(file) == TEXT.removesuffix("\n").split("\n")


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_all_else_is_kept(file, text):
    file.write_bytes(text.encode())
    assert read_text(file) == text
    assert "\n".join(read_lines(file)) == text.removesuffix("\n")


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_text_is_named(file, data, said):
    file.write_bytes(data)
    with pytest.raises(NotText) as refusal:
        read_text(file)
    assert str(refusal.value) == f"{file} {said}"


@pytest.mark.parametrize("data", [*SAME.values(), *(data for data, _ in REFUSED.values()), bytes(range(256))])
def test_what_a_program_has_printed_is_always_shown(file, data):
    file.write_bytes(data)
    assert read_output(file) == data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("before", "after"),
    {
        b"one\ntwo\n": b"new\nlines",
        b"one\r\ntwo\r\n": b"new\r\nlines",
        b"one\rtwo\r": b"new\rlines",
        b"one\r\ntwo\r\nthree\n": b"new\r\nlines",
        b"one\ntwo\nthree\r\n": b"new\nlines",
        b"": b"new\nlines",
        b"no end": b"new\nlines",
        codecs.BOM_UTF8 + b"one\r\n": codecs.BOM_UTF8 + b"new\r\nlines",
    }.items(),
)
def test_another_text_is_spelled_alike(before, after):
    assert spelled_like(before, "new\nlines") == after
