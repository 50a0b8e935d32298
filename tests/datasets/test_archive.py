from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gluonbook import datasets
from gluonbook.datasets import manifest
from small_data import (
    IDX,
    IMAGES,
    TAR,
    assert_mnist,
    cifar_batches,
    failure,
    idx_bytes,
    pin_cifar,
    sha256,
    tar_gz,
)


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"x" * 9999)[:-10], gzip.compress(b"longer than pinned")])
def test_a_pinned_file_that_is_no_such_archive(world, data):
    world.archives[IMAGES] = data
    world.pin_mnist()
    world.entries["mnist"]["forms"]["idx"][0]["contents"] = {IMAGES[:-3]: {"size": 1}}
    world.pin("mnist", world.entries["mnist"]["forms"])
    assert re.search(rf"{IMAGES}: .*(not a whole archive|instead of 1 bytes)", failure())


@given(st.data())
def test_no_damage_passes(data):
    plain = idx_bytes(IDX[IMAGES[:-3]])
    archive = gzip.compress(plain, mtime=1)
    file = manifest.File("x.gz", len(archive), sha256(archive), (), {"x": manifest.Content(len(plain), sha256(plain))})
    cut = data.draw(st.integers(0, len(archive)), label="cut")
    at, bit = data.draw(st.tuples(st.integers(0, len(archive) - 1), st.integers(0, 7)), label="flip")
    flipped = bytearray(archive)
    flipped[at] ^= 1 << bit
    assert (file.damage(archive[:cut]) == "") == (cut == len(archive))
    if file.damage(bytes(flipped)) == "":  # a bit of the gzip header that changes nothing inside
        assert bytes(file.unpack(bytes(flipped))["x"]) == plain


def test_a_hostile_archive_writes_nothing_and_stands_for_nothing(world, tmp_path):
    batches = cifar_batches()
    pin_cifar(world, tar_gz({**{f"../../evil/{name}": data for name, data in batches.items()}, "/evil": b"x"}), batches)
    assert len(datasets.load("cifar10").test) == 2
    assert world.cached() == [f"cifar10/{TAR}"]
    assert not list(tmp_path.rglob("evil"))
    (world.cache / "cifar10" / TAR).unlink()
    test = batches.pop("test_batch.bin")
    linked = tar_gz(batches, links=[("test_batch.bin", "/etc/hostname")])
    pin_cifar(world, linked, {**batches, "test_batch.bin": test})
    assert f"test_batch.bin has 0 instead of {len(test):,} bytes" in failure("cifar10")


@pytest.mark.parametrize("data", [b"no archive", gzip.compress(b"no tar" * 1000), gzip.compress(bytes(1 << 24))])
def test_a_pinned_archive_that_is_none(world, data):
    pin_cifar(world, data, cifar_batches())
    assert re.search(rf"{TAR}: (not a whole archive|data_batch_1.bin has 0 instead)", failure("cifar10"))


def test_a_mirror_that_packed_cifar_anew_is_accepted(world):
    batches = cifar_batches()
    pin_cifar(world, tar_gz({f"cifar-10-batches-bin/{name}": data for name, data in batches.items()}), batches)
    again = {f"./._{name}": b"fork" for name in batches} | {f"./{name}": data for name, data in batches.items()}
    world.server.serve(f"/a/{TAR}", tar_gz(again))
    assert len(datasets.load("cifar10").train) == 10
    batches["test_batch.bin"] = batches["test_batch.bin"][:-1] + b"!"
    (world.cache / "cifar10" / TAR).unlink()
    world.server.serve(f"/a/{TAR}", tar_gz(batches))
    assert sha256(tar_gz(batches)) in failure("cifar10")


def test_an_archive_packed_anew_is_accepted_for_its_content(world, own):
    again = {name: gzip.compress(gzip.decompress(archive), 1, mtime=2) for name, archive in world.archives.items()}
    assert again[IMAGES] != world.archives[IMAGES]
    world.put(own, **again)
    assert_mnist(datasets.load("mnist"))
    world.pin_mnist(hashes=False)
    assert "wrong content" in failure()
