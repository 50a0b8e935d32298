"""The exercises of `convnets/image_files`."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Any, Callable

from mxnet import recordio

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "twelve-folders",
        Place(
            1,
            [
                Mistake(9, 10, hint="Sorted as numbers. But folders have names, and '10' comes before '2'."),
                Mistake(2, hint="Count from 0."),
            ],
            otherwise="Which names come before '10', if they are sorted as words are?",
        ),
        Place(
            4,
            [
                Mistake(1, 2, hint="October is right. Where does that leave '2'?"),
                Mistake(5, hint="Count from 0."),
                Mistake(3, hint="Four names come before '2': those that begin with a 1."),
            ],
            otherwise="Write the twelve names down as a dictionary would have them.",
        ),
    )
)

exercises.add(
    Numbers(
        "enough-workers",
        Place(
            6,
            [
                Mistake(4, hint="So many could wait for 400 images a second. But they decode, too."),
                Mistake(2, hint="That is how many cores there are. Who waits needs none."),
                Mistake(5, hint="Nearly: 5 workers load 357 images a second."),
                Mistake(near(5.6, 0.01), hint="There is no part of a worker."),
            ],
            otherwise="How long does one worker take for one image, and how many images does it load a second?",
        ),
        Place(
            500,
            [
                Mistake(250, hint="That is what one core can decode."),
                Mistake(near(142.9, 0.5), hint="That is what two workers load. While they wait, others may decode."),
                Mistake(200, hint="Waiting keeps no core busy."),
            ],
            otherwise="For how long does each image keep a core busy? And how many cores are there?",
        ),
    )
)

exercises.add(
    Numbers(
        "count-the-luck",
        Place(
            32,
            [
                Mistake(192, hint="That is how often a number is drawn. The two workers draw the same ones."),
                Mistake(64, hint="In an epoch each of the two workers draws for half of the samples."),
                Mistake(96, hint="The workers of each new loader begin with the generator of the process, once more."),
            ],
            otherwise="How many numbers does one worker draw in an epoch, and which ones does its neighbour draw?",
        ),
        Place(
            96,
            [
                Mistake(32, hint="The workers of a loader that is kept go on where they were."),
                Mistake(192, hint="The two workers draw the same numbers, here as well."),
            ],
            otherwise="In each epoch the workers of the kept loader draw numbers that they have not drawn before.",
        ),
    )
)


def cut(blob):
    if blob[:2] != b"\xff\xd8":
        raise ValueError(f"no JPEG: it begins with {blob[:2]!r}")
    return blob[-2:] != b"\xff\xd9"


def _told(answer: Callable[[bytes], bool], blob: bytes) -> dict[str, Any]:
    try:
        told = answer(blob)
    except ValueError:
        return {"refused": True, "cut": None}
    if not isinstance(told, bool):
        raise Hint(f"Answer with True or False; of {len(blob)} bytes you said {told!r:.40}.")
    return {"refused": False, "cut": told}


_SMALL = b"\xff\xd8 small \xff\xd9"  # what a camera puts into the head of a file
_CASES = {
    "a whole file": b"\xff\xd8 image \xff\xd9",
    "one that ends in the middle": b"\xff\xd8 ima",
    "one that lacks its last byte": b"\xff\xd8 image \xff",
    "one that ends in the middle, with a small image in its head": b"\xff\xd8" + _SMALL + b"ima",
    "one whose last byte is d9, by chance": b"\xff\xd8 im\xd9",
    "one of which two bytes have arrived": b"\xff\xd8",
    "a PNG file": b"\x89PNG\r\n\x1a\n image \xff\xd9",
    "an empty file": b"",
}


def _meant(blob: bytes) -> str:
    return next(name for name, case in _CASES.items() if case == blob)


exercises.add(
    Tried(
        "cut-short",
        cut,
        [(blob,) for blob in _CASES.values()],
        [
            Mistake(
                lambda blob: not cut(blob),
                hint="You say True of whole files. The question is whether the end is missing.",
            ),
            Mistake(
                lambda blob: blob[:2] == b"\xff\xd8" and blob[-2:] != b"\xff\xd9",
                hint="Right for JPEG files. What is no JPEG must raise a ValueError, though.",
            ),
            Mistake(
                lambda blob: cut(blob) and b"\xff\xd9" not in blob,
                hint="You look for ff d9 anywhere. There may be a whole small image in the head of a file.",
            ),
            Mistake(
                lambda blob: cut(blob) and blob[-1:] != b"\xd9",
                hint="You look at the last byte alone. It may be d9 by chance.",
            ),
        ],
        otherwise={
            "refused": lambda blob, given, right: (
                f"{_meant(blob).capitalize()}: you {'raised' if given else 'did not raise'} a ValueError."
            ),
            "cut": lambda blob, given, right: f"{_meant(blob).capitalize()}: you said {given}.",
        },
        trial=_told,
    )
)


def records(blob):
    found, place = [], 0
    while place < len(blob):
        magic, word = struct.unpack_from("<II", blob, place)
        if magic != 0xCED7230A:
            raise ValueError(f"no record at byte {place}: {magic:#x}")
        begin, length = place + 8, word & (2**29 - 1)
        found.append(blob[begin : begin + length])
        place = begin + (length + 3) // 4 * 4
    return found


@exercises.judged("read-records", right=records)
def read_records(answer: Callable[[bytes], list[bytes]]) -> None:
    carried = [bytes(range(length)) for length in (4, 1, 2, 3, 40)]
    blob = _recordio(carried)
    for count in (1, 2, len(carried)):
        try:
            found = answer(_recordio(carried[:count]))
        except (ValueError, struct.error) as error:
            told = f"On a sound file of {count} records you raised {error!r:.60}."
            raise Hint(f"{told} Do you skip the zeros that fill each record up?") from error
        if not isinstance(found, list) or not all(isinstance(item, bytes) for item in found):
            raise Hint(f"Return a list of bytes; this returned {found!r:.60}.")
        if len(found) != count:
            raise Hint(f"A file of {count} records: you found {len(found)}.")
        lengths = [len(item) for item in found]
        if lengths != [len(item) for item in carried[:count]]:
            raise Hint(f"They carry {[len(item) for item in carried[:count]]} bytes; yours have {lengths}.")
        if found != carried[:count]:
            raise Hint("The lengths are right, the contents are not: where does a record's load begin?")
    broken = blob[:12] + b"!" + blob[13:]
    try:
        answer(broken)
    except ValueError:
        return
    raise Hint("Right for a whole file. But here the second magic number was destroyed, and you did not raise.")


def _recordio(carried: list[bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "some.rec"
        writer = recordio.MXRecordIO(str(file), "w")
        for item in carried:
            writer.write(item)
        writer.close()
        return file.read_bytes()
