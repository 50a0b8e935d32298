"""Text that somebody has written with whatever editor: in UTF-8, with or without a byte order mark, of any line ends.

All that comes from outside is read here. What the package has written itself needs no more than to be called UTF-8,
since what Python takes for the encoding of a file depends on the machine.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# The longer ones first: UTF-32's begins with UTF-16's.
_OTHERS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class NotText(ValueError):
    """A file that is no text in UTF-8; the message names it, and the line that cannot be read."""


def read_text(path: Path) -> str:
    """What a text file says: without a byte order mark, and each line ended by a line feed.

    Raises:
        NotText: the file is in another encoding, or no text at all.
        OSError: it cannot be read.
    """
    return decoded(path.read_bytes(), path)


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, as line feeds end them: `str.splitlines` takes other characters for line ends, too."""
    text = read_text(path)
    return text.removesuffix("\n").split("\n") if text else []


def decoded(data: bytes, path: Path) -> str:
    """What `read_text` makes of the bytes of a file; `path` is for the message."""
    if encoding := next((name for mark, name in _OTHERS.items() if data.startswith(mark)), None):
        raise NotText(f"{path} is in {encoding}: save it in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found, place = error.object, error.start
        raise NotText(f"{path} is not in UTF-8: byte 0x{found[place]:02x} in line {_line(found, place)}") from None
    if "\0" in text:
        place = data.index(b"\0")
        raise NotText(f"{path} is no text: there is a null character in line {_line(data, place)}")
    return _with_line_feeds(text)


def read_output(path: Path) -> str:
    """What a program or the system has printed into a file, line by line; what is no UTF-8 is replaced by marks."""
    return _with_line_feeds(path.read_bytes().decode(errors="replace"))


def spelled_like(before: bytes, text: str) -> bytes:
    """`text` as the bytes of the file that held `before`: with its byte order mark, and most of its line ends' kind."""
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    pairs = before.count(b"\r\n")
    counts = {"\n": before.count(b"\n") - pairs, "\r\n": pairs, "\r": before.count(b"\r") - pairs}
    return mark + text.replace("\n", max(counts, key=counts.__getitem__)).encode()


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line(data: bytes, place: int) -> int:
    return len(re.findall(rb"\r\n?|\n", data[:place])) + 1
