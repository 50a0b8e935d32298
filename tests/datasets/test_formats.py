from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from gluonbook import datasets
from gluonbook.datasets import formats
from small_data import (
    IMAGES,
    TAR,
    cifar_batches,
    failure,
    idx_bytes,
    pin_cifar,
    tar_gz,
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not an idx file"),
        (b"\0\0\x08\x01" + bytes(20), r"starts with b'\x00\x00\x08\x01'"),
        (b"\0\0\x0d\x03" + bytes(20), "not an idx file of uint8"),
        (b"\0\0\x08\x03" + bytes(8), "12 bytes are too few for an idx header of 16"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 6, 4, 3) + bytes(71), "shape (6, 4, 3), but 71 bytes follow"),
        (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + bytes(71), "but 71 bytes follow"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 5, 4, 3) + bytes(60), "mnist, train: 5 images, but 6 labels"),
    ],
)
def test_malformed_idx_images(world, data, said):
    world.archives[IMAGES] = gzip.compress(data)
    world.pin_mnist()
    assert said in failure()


def test_labels_out_of_range(world):
    world.archives["t10k-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(np.array([3, 10], np.uint8)))
    world.pin_mnist()
    assert "mnist, test: labels from 3 to 10; legal are 0 to 9" in failure()


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)))
def test_idx_arrays_come_back(array):
    labels = np.zeros(len(array), np.uint8)
    blocks = {f"{prefix}-images-idx3-ubyte": idx_bytes(array) for prefix in ("train", "t10k")}
    blocks |= {f"{prefix}-labels-idx1-ubyte": idx_bytes(labels) for prefix in ("train", "t10k")}
    images, _ = formats.idx(blocks)["test"]
    np.testing.assert_array_equal(images[..., 0], array)


def test_cifar_binary(world):
    batches = cifar_batches()
    pin_cifar(world, tar_gz({f"cifar-10-batches-bin/{name}": data for name, data in batches.items()}), batches)
    split = datasets.load("cifar10", "uint8")
    (X, y), (X_test, y_test) = split.train[:], split.test[:]
    assert split.form == "binary"
    assert (X.shape, X_test.shape) == ((10, 32, 32, 3), (2, 32, 32, 3))
    np.testing.assert_array_equal(y, np.arange(10))
    np.testing.assert_array_equal(y_test, [0, 1])
    np.testing.assert_array_equal(X[2, 7], np.stack([np.arange(32) + 1, [100] * 32, [200] * 32], axis=1))
    Z, _ = datasets.load("cifar10").train[:]
    np.testing.assert_array_equal(Z, X.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda batch: batch[:-1], "data_batch_3.bin: 6,145 bytes are no whole number of CIFAR-10 records of 3073"),
        (lambda batch: b"", "data_batch_3.bin: 0 bytes"),
        (lambda batch: b"\x0a" + batch[1:], "cifar10, train: labels from 0 to 10; legal are 0 to 9"),
    ],
)
def test_malformed_cifar_batches(world, change, said):
    batches = cifar_batches()
    batches["data_batch_3.bin"] = change(batches["data_batch_3.bin"])
    pin_cifar(world, tar_gz(batches), batches)
    assert said in failure("cifar10")


def test_recordio_in_the_users_folder(world, records, own, capfd):
    world.archives = records
    world.put(own, "cifar10")
    split = datasets.load("cifar10", "uint8")
    assert split.form == datasets.status("cifar10").form == "recordio"
    X, y = split.train[:]
    np.testing.assert_array_equal(y, [3, 1, 4, 1, 5, 9, 2])
    assert X.shape == (7, 32, 32, 3)
    np.testing.assert_array_equal(X[:, 5, 6], [(number, 100, 200) for number in range(7)])
    assert capfd.readouterr() == ("", "")
    (own / "cifar10" / "test.rec").write_bytes(records["test.rec"][:-4])
    assert "truncated" in failure("cifar10")
    assert world.server.asked == []


def test_the_last_batch_of_records_is_not_filled_up(records, tmp_path):
    folder = tmp_path / "records"
    _, labels = formats._decode(folder / "test.rec", folder / "test.idx", batch_size=3)
    np.testing.assert_array_equal(labels, [3, 1, 4, 1, 5, 9, 2])


def test_which_form_of_cifar_is_taken(world, records, own):
    assert datasets.load("cifar10").form == "binary"  # nothing is here: downloaded
    world.archives = records
    world.put(world.cache, "cifar10")
    assert datasets.load("cifar10").form == "binary"  # both are in the cache: the exact one
    world.put(own, "cifar10")
    assert datasets.load("cifar10").form == "recordio"  # the user's folder goes first
    (own / "cifar10" / "test.idx").unlink()
    (world.cache / "cifar10" / TAR).unlink()
    assert datasets.load("cifar10").form == "recordio"  # whole in both folders together
