"""Checks of the exercises of `convnets/save_resume`."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path
from typing import Callable
from unittest import mock

from mxnet import name
from mxnet.gluon import Block, nn

from gluonbook.exercises.checking import Exercises, Hint, numbers

exercises = Exercises(__name__)
check = exercises.check


@exercises.add("numbers-kept")
def numbers_kept(answer: tuple[float, float, float]) -> None:
    sgd, momentum, adam = numbers(answer, 3)
    if (sgd, momentum, adam) == (0, 1, 2):
        raise Hint("These are the optimizer's states alone. What else is in the checkpoint?")
    if sgd != 1:
        raise Hint("Without momentum, SGD forgets each gradient at once: what is left to save?")
    if momentum != 2:
        raise Hint("Momentum remembers one number for each parameter, besides the parameter itself.")
    if adam != 3:
        raise Hint("Look at Adam's formula: which letters on the left sides are remembered until the next step?")


@exercises.add("names-that-sort")
def names_that_sort(tower: Callable[[], Block]) -> None:
    first = tower()
    if not isinstance(first, Block):
        raise Hint(f"tower() must return a network; it returned a {type(first).__name__}.")
    with name.NameManager():
        for _ in range(9):
            nn.Dense(1)
        second = tower()
    names = list(first.collect_params().keys())
    if len(names) < 24:
        raise Hint(f"Twelve dense layers have 24 parameters, weights and biases; yours has {len(names)}.")
    if names != list(second.collect_params().keys()):
        raise Hint("Built a second time, its parameters have other names. Give every layer a prefix of your own.")
    if _layers(sorted(names)) != _layers(names):
        wrong = next(a for a, b in zip(_layers(sorted(names)), _layers(names)) if a != b)
        raise Hint(f"The names are stable, but sorted as text, {wrong} comes too early. How would you number 1 to 12?")


def _layers(names: list[str]) -> list[str]:
    return list(dict.fromkeys(re.sub(r"_(weight|bias)$", "", name) for name in names))


@exercises.add("sealed")
def sealed(pair: tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(map(callable, pair)):
        raise Hint("Answer with the pair (seal, unseal).")
    seal, unseal = pair
    for data in (b"", b"weights", bytes(range(256))):
        blob = seal(data)
        if not isinstance(blob, bytes):
            raise Hint(f"seal must return bytes; it returned a {type(blob).__name__}.")
        if unseal(blob) != data:
            raise Hint("unseal(seal(data)) must give the data again.")
    blob = seal(b"weights")
    changed = {"one flipped bit": [_flipped(blob, bit) for bit in range(8 * len(blob))]}
    changed["some bytes missing"] = [blob[:length] for length in range(len(blob))]
    changed["a byte more"] = [blob + b"\0", b"\0" + blob]
    for what, blobs in changed.items():
        for spoilt in blobs:
            try:
                unseal(spoilt)
            except ValueError:
                continue
            raise Hint(f"unseal accepted a blob with {what}.")


def _flipped(blob: bytes, bit: int) -> bytes:
    spoilt = bytearray(blob)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


@exercises.add("whole-file")
def whole_file(save: Callable[[Path, bytes], None]) -> None:
    old, new = b"old" * 1000, b"new" * 2000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.params"
        path.write_bytes(old)
        seen: list[str] = []

        def watching(what: str, real: Callable) -> Callable:
            def call(*args: object, **options: object) -> object:
                if "replace" not in seen and (not path.exists() or path.read_bytes() != old):
                    seen.append("old lost")
                seen.append(what)
                return real(*args, **options)

            return call

        with (
            mock.patch.object(os, "fsync", watching("fsync", os.fsync)),
            mock.patch.object(os, "replace", watching("replace", os.replace)),
            mock.patch.object(os, "rename", watching("replace", os.rename)),
        ):
            save(path, new)
        if path.read_bytes() != new:
            raise Hint("After save(path, data), the file does not hold the data.")
        if "replace" not in seen or "old lost" in seen:
            raise Hint("You write over the old content; if the power fails, both are lost. Write beside, and rename.")
        if "fsync" not in seen or seen.index("fsync") > seen.index("replace"):
            raise Hint("The new name may reach the disk before the bytes do. What must happen before the renaming?")
        _must_clean_up(save, path, new)


def _must_clean_up(save: Callable[[Path, bytes], None], path: Path, data: bytes) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch.object(os, "fsync", side_effect=full):
        try:
            save(path, b"third")
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        else:
            raise Hint("The disk was full, and save returned as if nothing had happened.")
    if path.read_bytes() != data:
        raise Hint("The disk was full, and the old content is gone.")
    if litter := [file.name for file in path.parent.iterdir() if file != path]:
        raise Hint(f"The disk was full, and save left {litter[0]} behind.")
