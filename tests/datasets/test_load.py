from __future__ import annotations

import os
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from gluonbook import datasets
from small_data import (
    IDX,
    sha256,
)

# Read before the fixtures take the variable away.
REAL = Path(os.environ.get("GLUONBOOK_DATA", os.devnull))


def test_digits_are_split_by_class():
    split = datasets.load()
    (X, y), (X_test, y_test) = split.train[:], split.test[:]
    assert (split.name, split.form, split.classes) == ("digits", "embedded", tuple("0123456789"))
    assert (X.shape, X_test.shape) == ((1500, 1, 8, 8), (297, 1, 8, 8))
    share = np.bincount(y_test) / (np.bincount(y) + np.bincount(y_test))
    assert np.abs(share - 297 / 1797).max() * 174 < 1  # less than one image in the smallest class


def test_digits_are_scikit_learns_each_once():
    from sklearn.datasets import load_digits

    original, split = load_digits(), datasets.load()
    X, y = (np.concatenate(both) for both in zip(split.train[:], split.test[:]))
    assert len(np.unique(X.reshape(-1, 64), axis=0)) == 1797  # so the parts share no image
    rows = {(16 * image).astype(int).tobytes(): label for image, label in zip(X, y)}
    assert rows == {image.astype(int).tobytes(): label for image, label in zip(original.images, original.target)}


def test_digits_are_the_same_on_every_machine():
    split = datasets.load()
    assert [sha256(part[:][1].astype("<i4").tobytes()) for part in (split.train, split.test)] == [
        "5241bba95b08e1fa1e4a5da88bab7ccc66cc6d9d2b218584e6f0d1d10fb7aeab",
        "8d20416cd63a03daf18cd0828e5e13eed44d22300f8aa6bc02c6f2e8503b4f4e",
    ]


def test_digits_as_uint8_use_the_whole_range():
    X, _ = datasets.load().train[:]
    Z, _ = datasets.load(dtype="uint8").train[:]
    assert (Z.shape, Z.dtype) == ((1500, 8, 8, 1), np.uint8)
    assert (Z.min(), Z.max(), len(np.unique(Z))) == (0, 255, 17)
    assert np.abs(Z.transpose(0, 3, 1, 2) / 255 - X).max() <= 0.5 / 255 + 1e-7


def test_float32_is_exact_for_every_level():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    out = datasets._convert(levels, 255, "float32")
    np.testing.assert_array_equal(out.ravel(), (np.arange(256) / 255).astype(np.float32))


def test_float32_is_what_gluons_own_transform_makes(world):
    raw, scaled = datasets.load("mnist", "uint8").train, datasets.load("mnist").train
    to_tensor = mx.gluon.data.vision.transforms.ToTensor()
    for i in range(len(raw)):
        np.testing.assert_allclose(to_tensor(mx.nd.array(raw[i][0], dtype="uint8")).asnumpy(), scaled[i][0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_arrays_are_the_readers_own(world, dtype):
    for name in ("digits", "mnist"):
        X, y = datasets.load(name, dtype).train[:]
        assert type(X) is type(y) is np.ndarray
        assert X.flags.c_contiguous
        X[0], y[0] = 1, 1  # raises where an array is read-only


def test_a_data_loader_takes_both_parts():
    split = datasets.load()
    loader = mx.gluon.data.DataLoader(split.train, batch_size=100)
    X, y = next(iter(loader))
    assert (len(loader), X.shape, y.shape) == (15, (100, 1, 8, 8), (100,))
    assert (X.dtype, y.dtype) == (np.float32, np.int32)
    image, label = split.train[3]
    np.testing.assert_array_equal(X[3].asnumpy(), image)
    assert y[3].asscalar() == label


def test_a_wrong_name_or_dtype_is_named_with_the_legal_ones():
    with pytest.raises(ValueError, match="'minst'; there are digits, mnist, fashion_mnist, cifar10"):
        datasets.load("minst")
    with pytest.raises(ValueError, match="'minst'; there are digits, mnist, fashion_mnist, cifar10"):
        datasets.fetch("minst")
    with pytest.raises(ValueError, match="'float64'; there are float32, uint8"):
        datasets.load(dtype="float64")


def real(name, *names):
    missing = [file for file in names if not (REAL / name / file).is_file()]
    return pytest.mark.skipif(bool(missing), reason=f"GLUONBOOK_DATA names no folder with {name}/{', '.join(missing)}")


@real("mnist", *(f"{name}.gz" for name in IDX))
def test_real_mnist(monkeypatch):
    monkeypatch.setenv("GLUONBOOK_DATA", str(REAL))
    assert datasets.status("mnist").state == "present"
    split = datasets.load("mnist")
    (X, y), (X_test, y_test) = split.train[:], split.test[:]
    assert (X.shape, X_test.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
    assert (X.min(), X.max(), X_test.min(), X_test.max()) == (0, 1, 0, 1)
    assert y[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert X.mean() == pytest.approx(0.1307, abs=1e-4)  # the published mean and deviation
    assert X.std() == pytest.approx(0.3081, abs=1e-4)


@real("cifar10", "train.rec", "train.idx", "test.rec", "test.idx")
def test_real_cifar10_as_recordio(monkeypatch):
    monkeypatch.setenv("GLUONBOOK_DATA", str(REAL))
    split = datasets.load("cifar10", "uint8")
    (X, y), (X_test, y_test) = split.train[:], split.test[:]
    assert split.form == "recordio"
    assert (X.shape, X_test.shape) == ((50000, 32, 32, 3), (10000, 32, 32, 3))
    assert (X.dtype, X.min(), X.max()) == (np.uint8, 0, 255)
    assert np.bincount(y).tolist() == [5000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    # The published means of red, green and blue: were the order reversed, the first would be 0.4465.
    assert X.mean(axis=(0, 1, 2)) / 255 == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-3)
    records = mx.gluon.data.vision.ImageRecordDataset(str(REAL / "cifar10" / "train.rec"))
    for i in (0, 1, 499, 500, 49999):
        image, label = records[i]
        np.testing.assert_array_equal(image.asnumpy(), X[i])
        assert label == y[i]
