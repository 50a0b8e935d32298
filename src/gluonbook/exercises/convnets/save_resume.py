"""The exercises of `convnets/save_resume`."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import mxnet as mx
import numpy as np
from mxnet import name, nd
from mxnet.gluon import Block, nn

from gluonbook import models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Numbers, Place

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "numbers-kept",
        Place(1, otherwise="Without momentum, SGD forgets each gradient at once: what is left to save?"),
        Place(2, otherwise="Momentum remembers one number for each parameter, besides the parameter itself."),
        Place(
            3,
            otherwise="Look at Adam's formula: which letters on the left sides are remembered until the next step?",
        ),
        mistakes=[
            Mistake((0, 1, 2), hint="These are the optimizer's states alone. What else is in the checkpoint?"),
        ],
    )
)


def tower():
    net = nn.HybridSequential(prefix="tower_")
    for i in range(12):
        net.add(nn.Dense(8, prefix=f"tower_layer{i:02d}_"))
    return net


@exercises.judged("names-that-sort", right=tower)
def names_that_sort(answer: Callable[[], Block]) -> None:
    first = answer()
    if not isinstance(first, Block):
        raise Hint(f"tower() must return a network; it returned a {type(first).__name__}.")
    with name.NameManager():
        for _ in range(9):
            nn.Dense(1)
        second = answer()
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


def seal(data):
    return sha256(data).digest() + data


def unseal(blob):
    if sha256(blob[32:]).digest() != blob[:32]:
        raise ValueError("these are not the bytes that were sealed")
    return blob[32:]


@exercises.judged("sealed", right=(seal, unseal))
def sealed(pair: tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(map(callable, pair)):
        raise Hint("Answer with the pair (seal, unseal).")
    seals, unseals = pair
    for data in (b"", b"weights", bytes(range(256))):
        blob = seals(data)
        if not isinstance(blob, bytes):
            raise Hint(f"seal must return bytes; it returned a {type(blob).__name__}.")
        if unseals(blob) != data:
            raise Hint("unseal(seal(data)) must give the data again.")
    blob = seals(b"weights")
    changed = {"one flipped bit": [_flipped(blob, bit) for bit in range(8 * len(blob))]}
    changed["some bytes missing"] = [blob[:length] for length in range(len(blob))]
    changed["a byte more"] = [blob + b"\0", b"\0" + blob]
    changed["two bytes exchanged"] = [_exchanged(blob, at) for at in range(len(blob) - 1) if blob[at] != blob[at + 1]]
    for what, blobs in changed.items():
        for spoilt in blobs:
            try:
                unseals(spoilt)
            except ValueError:
                continue
            raise Hint(f"unseal accepted a blob with {what}.")


def _flipped(blob: bytes, bit: int) -> bytes:
    spoilt = bytearray(blob)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def _exchanged(blob: bytes, at: int) -> bytes:
    return blob[:at] + blob[at + 1 : at + 2] + blob[at : at + 1] + blob[at + 2 :]


def save(path, data):
    beside = Path(f"{path}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105 - what the exercise names, and the check watches
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@exercises.judged("whole-file", right=save)
def whole_file(answer: Callable[[Path, bytes], None]) -> None:
    old, new = b"old" * 1000, b"new" * 2000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.params"
        path.write_bytes(old)
        seen: list[str] = []

        def whole(file: int) -> None:
            state = os.fstat(file)
            if "replace" not in seen and stat.S_ISREG(state.st_mode) and state.st_size != len(new):
                raise Hint("At os.fsync the file lacks bytes: they wait in Python's buffer. What empties it?")

        def beside(file: str | Path, *_: object) -> None:
            if Path(file).resolve().parent != path.resolve().parent:
                raise Hint("Your new file lies in another folder, perhaps on another disk. Write beside the old one.")

        def watching(what: str, real: Callable, look: Callable) -> Callable:
            def call(*args: Any, **options: Any) -> Any:
                if "replace" not in seen and (not path.exists() or path.read_bytes() != old):
                    seen.append("old lost")
                look(*args)
                seen.append(what)
                return real(*args, **options)

            return call

        with (
            mock.patch.object(os, "fsync", watching("fsync", os.fsync, whole)),
            mock.patch.object(os, "replace", watching("replace", os.replace, beside)),
            mock.patch.object(os, "rename", watching("replace", os.rename, beside)),
        ):
            answer(path, new)
        if path.read_bytes() != new:
            raise Hint("After save(path, data), the file does not hold the data.")
        if "replace" not in seen or "old lost" in seen:
            raise Hint("You write over the old content; if the power fails, both are lost. Write beside, and rename.")
        if "fsync" not in seen or seen.index("fsync") > seen.index("replace"):
            raise Hint("The new name may reach the disk before the bytes do. What must happen before the renaming?")
        _must_clean_up(answer, path, new)


def _must_clean_up(answer: Callable[[Path, bytes], None], path: Path, data: bytes) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch.object(os, "fsync", side_effect=full):
        try:
            answer(path, b"third")
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        else:
            raise Hint("The disk was full, and save returned as if nothing had happened.")
    if path.read_bytes() != data:
        raise Hint("The disk was full, and the old content is gone.")
    if litter := [file.name for file in path.parent.iterdir() if file != path]:
        raise Hint(f"The disk was full, and save left {litter[0]} behind.")


def adopt(path, classes):
    net = models.lenet(classes=classes)
    net.initialize(mx.init.Xavier())
    net[:-1].load_parameters(path, ignore_extra=True)
    net[:-1].collect_params().setattr("grad_req", "null")
    return net


@exercises.judged("new-head", right=adopt)
def new_head(answer: Callable[[str, int], Block]) -> None:
    X = nd.array(np.random.default_rng(0).normal(size=(4, 1, 8, 8)))
    old = models.lenet(classes=5)
    old.initialize(mx.init.Xavier())
    old(X)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "old.params")
        old.save_parameters(path)
        nets = [(classes, answer(path, classes)) for classes in (3, 5)]
    for classes, net in nets:
        if not isinstance(net, nn.HybridSequential):
            raise Hint(f"adopt(path, classes) must return a models.lenet; it returned a {type(net).__name__}.")
        out = net(X)
        if out.shape != (4, classes):
            raise Hint(f"For {classes} classes, four images should give (4, {classes}) scores; yours have {out.shape}.")
        for layer, was in zip(net[:-1], old[:-1]):
            if hasattr(was, "weight") and not np.array_equal(
                layer.weight.data().asnumpy(), was.weight.data().asnumpy()
            ):
                raise Hint("The body is not that of the file. Which part of the net should load it?")
        if classes == 5 and np.array_equal(net[-1].weight.data().asnumpy(), old[-1].weight.data().asnumpy()):
            raise Hint(
                "For five classes the head comes from the file, too. It must be fresh even where its shape fits."
            )
        if any(p.grad_req != "null" for p in net[:-1].collect_params().values()):
            raise Hint("The body is right, and would be trained as well. What spares a parameter the gradient?")
        if any(p.grad_req == "null" for p in net[-1].collect_params().values()):
            raise Hint("The head must be trained: nothing else is.")
