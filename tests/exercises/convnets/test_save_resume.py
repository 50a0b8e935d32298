"""The exercises of `convnets/save_resume`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from answers import hints, right_answers
from mxnet.gluon import nn

from gluonbook import models
from gluonbook.exercises.convnets.save_resume import adopt, seal, unseal


def tower(layers=12, prefix="tower_layer{:02d}_"):
    net = nn.HybridSequential(prefix="tower_")
    for i in range(layers):
        net.add(nn.Dense(8, prefix=None if prefix is None else prefix.format(i)))
    return net


def scoped():
    net = nn.HybridSequential(prefix="tower_")
    with net.name_scope():
        for _ in range(12):
            net.add(nn.Dense(8))
    return net


def weak_seal(data):
    return bytes([zlib.crc32(data) & 1]) + data


def weak_unseal(blob):
    if not blob or blob[0] != zlib.crc32(blob[1:]) & 1:
        raise ValueError("changed")
    return blob[1:]


def lengthy_unseal(blob):
    return unseal(blob.rstrip(b"\0"))


def whole(path, data, flush=True, clean=True, swallow=False, in_place=False):
    beside = path if in_place else Path(f"{path}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            if flush:
                os.fsync(file.fileno())
        if not in_place:
            beside.replace(path)
    except OSError:
        if clean:
            beside.unlink()
        if not swallow:
            raise


def late(path, data):
    beside = Path(f"{path}.tmp")
    with beside.open("wb") as file:
        file.write(data)
        beside.replace(path)
        os.fsync(file.fileno())


def unflushed(path, data):
    """Python's buffer holds what `os.fsync` is to bring to the disk."""
    beside = Path(f"{path}.tmp")
    with beside.open("wb", buffering=2**16) as file:
        file.write(data)
        os.fsync(file.fileno())
    beside.replace(path)


def empty(path, data):
    beside = Path(f"{path}.tmp")
    with beside.open("wb") as file:
        os.fsync(file.fileno())
        file.write(data)
    beside.replace(path)


def elsewhere(path, data):
    with TemporaryDirectory() as folder:
        return whole_there(Path(folder) / "new", path, data)


def whole_there(new, path, data):
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def flushing_its_folder(path, data):
    whole(path, data)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def sum_seal(data):
    return bytes([len(data) % 256, sum(data) % 256]) + data


def sum_unseal(blob):
    if sum_seal(blob[2:]) != blob:
        raise ValueError("changed")
    return blob[2:]


def deleting(path, data):
    beside = Path(f"{path}.tmp")
    beside.write_bytes(data)
    path.unlink()
    beside.rename(path)


def lenet(classes, load=None, freeze=None):
    net = models.lenet(classes=classes)
    net.initialize()
    if load:
        load(net)
    if freeze:
        freeze(net).collect_params().setattr("grad_req", "null")
    return net


def whole_if_it_fits(path, classes):
    return lenet(
        classes, lambda net: (net if classes == 5 else net[:-1]).load_parameters(path, ignore_extra=True), body
    )


def body(net):
    return net[:-1]


def frozen_all(net):
    net.collect_params().setattr("grad_req", "null")
    return net


test_right_answers_are_right = right_answers(
    ("names-that-sort", tower),
    ("whole-file", whole),
    ("whole-file", flushing_its_folder),
    ("new-head", adopt),
)


test_hints_fit_the_mistake = hints(
    ("names-that-sort", lambda: tower(11), "24 parameters"),
    ("names-that-sort", lambda: tower(prefix=None), "other names"),
    ("names-that-sort", lambda: tower(prefix="layer{}_"), "layer10 comes too early"),
    ("names-that-sort", scoped, "tower_dense10 comes too early"),
    ("names-that-sort", lambda: 3, "must return a network"),
    ("sealed", (weak_seal, weak_unseal), "one flipped bit"),
    ("sealed", (seal, lengthy_unseal), "a byte more"),
    ("sealed", (sum_seal, sum_unseal), "two bytes exchanged"),
    ("sealed", (seal, lambda blob: blob), "again"),
    ("sealed", (lambda data: data.hex(), unseal), "must return bytes"),
    ("new-head", lambda path, classes: lenet(classes, freeze=body), "not that of the file"),
    ("new-head", lambda path, classes: lenet(5, lambda net: net.load_parameters(path)), "scores; yours"),
    ("new-head", whole_if_it_fits, "must be fresh"),
    (
        "new-head",
        lambda path, classes: lenet(classes, lambda n: n[:-1].load_parameters(path, ignore_extra=True)),
        "spares",
    ),
    ("new-head", lambda path, classes: frozen_all(adopt(path, classes)), "nothing else is"),
    ("whole-file", lambda path, data: None, "does not hold"),
    ("whole-file", lambda path, data: whole(path, data, in_place=True), "write over"),
    ("whole-file", deleting, "write over"),
    ("whole-file", lambda path, data: whole(path, data, flush=False), "before the renaming"),
    ("whole-file", late, "before the renaming"),
    ("whole-file", unflushed, "in Python's buffer"),
    ("whole-file", empty, "in Python's buffer"),
    ("whole-file", elsewhere, "in another folder"),
    ("whole-file", lambda path, data: whole(path, data, clean=False), "behind"),
    ("whole-file", lambda path, data: whole(path, data, swallow=True), "as if nothing"),
)
