"""The exercises of `convnets/image_files`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import struct

from answers import hints, right_answers


def records(blob, padding=True, begin=8, checking=True, limit=99):
    found, place = [], 0
    while place < len(blob) and len(found) < limit:
        magic, word = struct.unpack_from("<II", blob, place)
        if checking and magic != 0xCED7230A:
            raise ValueError(magic)
        found.append(blob[place + begin : place + begin + word])
        place += 8 + (-(-word // 4) * 4 if padding else word)
    return found


def cut(blob):
    if not blob.startswith(b"\xff\xd8"):
        raise ValueError("no JPEG")
    return not blob.endswith(b"\xff\xd9")


test_right_answers_are_right = right_answers(
    ("twelve-folders", (1, 4)),
    ("enough-workers", [6, 500.0]),
    ("count-the-luck", (64 // 2, 3 * 64 // 2)),
    ("cut-short", cut),
    ("read-records", records),
)


test_hints_fit_the_mistake = hints(
    ("cut-short", lambda blob: 1, "True or False"),
    ("cut-short", lambda blob: False, "One that ends in the middle: you said False"),
    ("cut-short", lambda blob: cut(blob + b"\xff\xd9"), "One that ends in the middle: you said False"),
    ("cut-short", lambda blob: cut(b"\xff\xd8" + blob), "must raise a ValueError"),
    ("cut-short", lambda blob: cut(blob) if blob else True, "An empty file: you did not raise"),
    ("cut-short", lambda blob: cut(blob[2:]), "A whole file: you raised"),
    ("read-records", lambda blob: records(blob, limit=1), "you found 1"),
    ("read-records", lambda blob: records(blob, begin=4), "where does a record's load begin"),
    ("read-records", lambda blob: [r[:3] for r in records(blob)], "bytes; yours have"),
    ("read-records", lambda blob: records(blob, checking=False), "did not raise"),
    ("read-records", lambda blob: records(blob, padding=False), "zeros that fill"),
    ("read-records", lambda blob: tuple(records(blob)), "list of bytes"),
)
