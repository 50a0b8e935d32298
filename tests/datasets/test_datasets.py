import errno
import gzip
import hashlib
import io
import json
import os
import re
import socket
import struct
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from gluonbook import datasets, paths
from gluonbook.datasets import DatasetError, files, formats

# Read before the fixtures below take the variable away.
REAL = Path(os.environ.get("GLUONBOOK_DATA", os.devnull))
README = Path(__file__).resolve().parents[2] / "data" / "README.md"

IDX = {
    "train-images-idx3-ubyte": np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3),
    "train-labels-idx1-ubyte": np.array([5, 0, 4, 1, 9, 2], np.uint8),
    "t10k-images-idx3-ubyte": 255 - np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3),
    "t10k-labels-idx1-ubyte": np.array([7, 2], np.uint8),
}
IMAGES = "train-images-idx3-ubyte.gz"  # the first file that is fetched


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def idx_bytes(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def pinned(name, data, contents=None, urls=()):
    return {"name": name, "size": len(data), "sha256": sha256(data), "urls": list(urls), "contents": contents or {}}


def content(data):
    return {"size": len(data), "sha256": sha256(data)}


class Server:
    """Answers on 127.0.0.1 from `answers`: path → (status, body, promised length); counts what was asked for."""

    def __init__(self):
        self.answers, self.asked = {}, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                status, body, length = server.answers.get(self.path, (404, b"", 0))
                self.send_response(status)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                try:
                    for part in body if isinstance(body, list) else [body]:
                        self.wfile.write(part)
                        time.sleep(0.15 if isinstance(body, list) else 0)
                except OSError:
                    self.close_connection = True  # the client has had enough

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, path, body, status=200, length=None):
        size = sum(map(len, body)) if isinstance(body, list) else len(body)
        self.answers[path] = (status, body, size if length is None else length)

    def stop(self):
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class World:
    """A manifest of its own, its cache, its two mirrors `/a/` and `/b/`; the archives of a tiny MNIST."""

    def __init__(self, folder, server):
        self.cache, self.own = folder / "cache", folder / "own"
        self.manifest, self.server = folder / "manifest.json", server
        self.archives = {f"{name}.gz": gzip.compress(idx_bytes(array), mtime=1) for name, array in IDX.items()}
        self.entries = {}
        self.pin_mnist()

    def urls(self, name):
        return [f"{self.server.url}/{mirror}/{name}" for mirror in "ab"]

    def pin_mnist(self, hashes=True):
        """Pin `archives` as they are now and serve them from the first mirror."""
        entries = []
        for name, archive in self.archives.items():
            try:
                inside = content(gzip.decompress(archive))
            except (OSError, EOFError):
                inside = {"size": 1}
            inside = inside if hashes else {"size": inside["size"]}
            entries.append(pinned(name, archive, {name[:-3]: inside}, self.urls(name)))
            self.server.serve(f"/a/{name}", archive)
        self.pin("mnist", {"idx": entries})

    def pin(self, name, forms):
        words = {"title": "t", "licence": "l", "source": "s", "citation": "c"}
        self.entries[name] = {**words, "redistributable": False, "forms": forms}
        self.manifest.write_text(json.dumps(self.entries))

    def put(self, folder, name="mnist", **changed):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, data in {**self.archives, **changed}.items():
            (folder / name / file).write_bytes(data)

    def cached(self):
        return sorted(path.relative_to(self.cache).as_posix() for path in self.cache.rglob("*") if path.is_file())


@pytest.fixture
def server(monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def world(tmp_path, server, monkeypatch):
    world = World(tmp_path, server)
    monkeypatch.setattr(paths, "data_folder", lambda: world.cache)
    monkeypatch.setattr(paths, "manifest_file", lambda: world.manifest)
    monkeypatch.delenv("GLUONBOOK_DATA", raising=False)
    return world


@pytest.fixture
def own(world, monkeypatch):
    """The user's folder, set and empty."""
    world.own.mkdir()
    monkeypatch.setenv("GLUONBOOK_DATA", str(world.own))
    return world.own


def failure(name="mnist"):
    """The message with which loading fails, soon."""
    begin = time.monotonic()
    with pytest.raises(DatasetError) as caught:
        datasets.load(name)
    assert time.monotonic() - begin < 5  # two seconds are promised; the machine may be busy
    return str(caught.value)


def assert_mnist(split):
    assert (split.name, split.form, split.classes) == ("mnist", "idx", tuple("0123456789"))
    for part, prefix in ((split.train, "train"), (split.test, "t10k")):
        X, y = part[:]
        images = IDX[f"{prefix}-images-idx3-ubyte"]
        np.testing.assert_array_equal(X, images[:, None].astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(y, IDX[f"{prefix}-labels-idx1-ubyte"])
        assert (X.dtype, y.dtype) == (np.float32, np.int32)


# Downloads


def test_what_is_missing_is_downloaded_and_kept(world):
    assert_mnist(datasets.load("mnist"))
    assert world.cached() == sorted(f"mnist/{name}" for name in world.archives)
    for name, archive in world.archives.items():
        assert (world.cache / "mnist" / name).read_bytes() == archive


def test_what_is_here_needs_no_network_and_prints_nothing(world, capfd):
    datasets.fetch("mnist")
    world.server.stop()
    capfd.readouterr()
    assert_mnist(datasets.load("mnist"))
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_but_not_on_standard_error(world, capfd):
    archive = world.archives[IMAGES]
    world.server.serve(f"/a/{IMAGES}", [archive[:30], archive[30:60], archive[60:]])
    datasets.fetch("mnist")
    out, err = capfd.readouterr()
    assert IMAGES in out
    assert "100%" in out
    assert err == ""


def test_only_the_missing_file_is_downloaded(world):
    world.put(world.cache)
    (world.cache / "mnist" / IMAGES).unlink()
    assert datasets.fetch("mnist") == {name: world.cache / "mnist" / name for name in world.archives}
    assert world.server.asked == [f"/a/{IMAGES}"]


def faults(archive):
    """What a server may send instead: (status, body, promised length), and what the message must say of it."""
    page = b"\n<!DOCTYPE html><html><title>Log in</title></html>"
    flipped = archive[:-20] + bytes([archive[-20] ^ 1]) + archive[-19:]
    size = len(archive)
    return {
        "truncated": ((200, archive[:50], 50), [f"truncated: 50 of {size} bytes", sha256(archive[:50])]),
        "connection cut": ((200, archive[:50], size), ["truncated: ", "50 bytes read"]),
        "empty": ((200, b"", 0), [f"truncated: 0 of {size} bytes"]),
        "wrong hash": ((200, flipped, size), ["wrong content", sha256(flipped)]),
        "too long": ((200, archive + b"!", size + 1), [f"too long: {size + 1} instead of {size} bytes"]),
        "HTML page": ((200, page, len(page)), [f"an HTML page of {len(page)} bytes", sha256(page)]),
        "HTML for 404": ((404, page, len(page)), ["HTTP 404 Not Found"]),
        "503": ((503, b"busy", 4), ["HTTP 503 Service Unavailable"]),
    }


@pytest.mark.parametrize("fault", faults(bytes(60)))
def test_an_unsound_answer_is_refused_and_leaves_nothing(world, fault, capfd):
    answer, said = faults(world.archives[IMAGES])[fault]
    for mirror in "ab":
        world.server.answers[f"/{mirror}/{IMAGES}"] = answer
    message = failure()
    for words in (IMAGES, sha256(world.archives[IMAGES]), *said, *world.urls(IMAGES)):
        assert words in message
    assert world.server.asked == [f"/a/{IMAGES}", f"/b/{IMAGES}"]
    assert world.cached() == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("fault", faults(bytes(60)))
def test_the_second_mirror_helps(world, fault):
    world.server.answers[f"/a/{IMAGES}"], _ = faults(world.archives[IMAGES])[fault]
    world.server.serve(f"/b/{IMAGES}", world.archives[IMAGES])
    assert_mnist(datasets.load("mnist"))
    assert len(world.cached()) == 4


def test_an_endless_answer_is_cut_off(world, monkeypatch):
    monkeypatch.setattr(files, "_SLACK", 1000)
    for mirror in "ab":
        world.server.serve(f"/{mirror}/{IMAGES}", bytes(50_000_000))
    message = failure()
    assert "too long" in message
    assert "50,000,000" not in message
    assert world.cached() == []


def test_offline_the_message_is_a_recipe_that_works(world, monkeypatch):
    world.server.stop()
    message = failure()
    assert message.count("Connection refused") == 2
    assert 'The data set "digits" needs no file' in message
    places = [Path(place.strip()) for place in message.splitlines()[-2].split("  or  ")]
    assert places == [world.cache / "mnist" / IMAGES, Path("$GLUONBOOK_DATA/mnist") / IMAGES]
    assert world.cached() == []
    world.put(places[0].parents[1])
    assert_mnist(datasets.load("mnist"))


def test_a_port_where_nothing_listens(world):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world.server.url = f"http://127.0.0.1:{port}"
    world.pin_mnist()
    message = failure()
    assert f"http://127.0.0.1:{port}/b/{IMAGES}: no answer" in message
    assert world.cached() == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_kept_leaves_nothing(world, monkeypatch, error):
    def fail(descriptor):
        raise error

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises((DatasetError, KeyboardInterrupt)) as caught:
        datasets.load("mnist")
    if isinstance(error, OSError):
        assert re.search(rf"cannot be kept at .*mnist/{IMAGES}.*No space left", str(caught.value))
    assert world.cached() == []


def test_while_a_file_is_on_its_way_the_disk_holds_nothing_of_it(world, monkeypatch):
    seen, write = [], files._Buffer.write

    def look(buffer, chunk):
        seen.append(len(list(world.cache.rglob("*.*"))))
        return write(buffer, chunk)

    monkeypatch.setattr(files._Buffer, "write", look)
    datasets.fetch("mnist")
    assert seen == [0, 1, 2, 3]  # the files before it, whole


def test_several_may_fetch_at_once(world):
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(datasets.fetch, ["mnist"] * 4))
    assert folders == [{name: world.cache / "mnist" / name for name in world.archives}] * 4
    assert len(world.cached()) == 4
    assert datasets.status("mnist").state == "present"


# Damage in the cache


@pytest.mark.parametrize("fault", ["truncated", "wrong hash", "HTML page", "empty", "too long"])
def test_a_damaged_cached_file_is_fetched_anew(world, fault):
    (_, body, _), said = faults(world.archives[IMAGES])[fault]
    world.put(world.cache, **{IMAGES: body})
    before = datasets.status("mnist")
    assert before.state == "damaged"
    assert said[0] in before.files[0].detail
    assert_mnist(datasets.load("mnist"))
    assert world.server.asked == [f"/a/{IMAGES}"]
    assert datasets.status("mnist").state == "present"
    assert len(world.cached()) == 4


def test_every_load_checks_every_file(world):
    datasets.load("mnist")
    world.server.stop()
    for name, archive in world.archives.items():
        path = world.cache / "mnist" / name
        path.write_bytes(archive[:-9] + bytes([archive[-9] ^ 255]) + archive[-8:])  # the last byte before the checksum
        message = failure()
        assert f"{path}: wrong content" in message
        assert sha256(archive) in message
        path.write_bytes(archive)
    assert_mnist(datasets.load("mnist"))


# The user's own folder


def test_the_users_folder_goes_first_and_nothing_is_downloaded(world, own):
    world.put(own)
    world.put(world.cache, **{IMAGES: b"damaged"})
    assert_mnist(datasets.load("mnist"))
    assert datasets.fetch("mnist")[IMAGES] == own / "mnist" / IMAGES
    assert datasets.status("mnist").folders == (own / "mnist",)
    assert world.server.asked == []


def test_an_archive_packed_anew_is_accepted_for_its_content(world, own):
    again = {name: gzip.compress(gzip.decompress(archive), 1, mtime=2) for name, archive in world.archives.items()}
    assert again[IMAGES] != world.archives[IMAGES]
    world.put(own, **again)
    assert_mnist(datasets.load("mnist"))
    world.pin_mnist(hashes=False)
    assert "wrong content" in failure()


@pytest.mark.parametrize("fault", ["truncated", "wrong hash", "HTML page"])
def test_a_damaged_file_of_the_user_is_an_error_and_stays(world, own, fault):
    (_, body, _), said = faults(world.archives[IMAGES])[fault]
    world.put(own, **{IMAGES: body})
    world.put(world.cache)
    message = failure()
    for words in (str(own / "mnist" / IMAGES), sha256(world.archives[IMAGES]), "left as it is", *said):
        assert words in message
    assert message.splitlines()[-2].strip() == str(own / "mnist" / IMAGES)  # nowhere else would a copy help
    assert datasets.status("mnist").state == "damaged"
    assert (own / "mnist" / IMAGES).read_bytes() == body
    assert world.server.asked == []


def test_the_users_folder_and_the_cache_complete_each_other(world, own):
    world.put(own)
    (own / "mnist" / IMAGES).unlink()
    assert_mnist(datasets.load("mnist"))
    assert world.cached() == [f"mnist/{IMAGES}"]
    assert not (own / "mnist" / IMAGES).exists()


def test_without_the_data_set_in_the_users_folder_the_cache_serves(world, own):
    assert_mnist(datasets.load("mnist"))
    assert len(world.cached()) == 4
    assert list(own.iterdir()) == []


def test_an_empty_variable_is_no_folder(world, monkeypatch):
    monkeypatch.setenv("GLUONBOOK_DATA", "")
    assert_mnist(datasets.load("mnist"))


def test_a_users_folder_that_does_not_exist_is_an_error(world, monkeypatch, tmp_path):
    monkeypatch.setenv("GLUONBOOK_DATA", str(tmp_path / "nowhere"))
    message = failure()
    assert "GLUONBOOK_DATA" in message
    assert str(tmp_path / "nowhere") in message
    with pytest.raises(DatasetError, match="nowhere"):
        datasets.status("mnist")
    assert world.server.asked == []
    assert len(datasets.load("digits").train) == 1500


# Status


def test_status_says_what_is_missing_and_where_it_belongs(world):
    world.put(world.cache)
    (world.cache / "mnist" / IMAGES).unlink()
    status = datasets.status("mnist")
    assert (status.form, status.state, status.folders) == ("idx", "missing", (world.cache / "mnist",))
    assert status.files[0] == datasets.FileStatus(IMAGES, world.cache / "mnist" / IMAGES, "missing", 0)
    assert [file.state for file in status.files[1:]] == ["present"] * 3
    assert status.size == sum(map(len, world.archives.values())) - len(world.archives[IMAGES])
    assert world.server.asked == []


def test_status_without_verifying_looks_at_names_only(world):
    world.put(world.cache, **{IMAGES: b"damaged"})
    assert datasets.status("mnist", verify=False).state == "present"
    assert datasets.status("mnist").state == "damaged"


def test_the_digits_need_no_file(world, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("GLUONBOOK_DATA", str(tmp_path / "nowhere"))
    status = datasets.status("digits")
    assert (status.form, status.state, status.size, status.folders) == ("embedded", "present", 0, ())
    assert datasets.fetch("digits") == {}


def test_status_reads_well(world, monkeypatch):
    world.put(world.cache, **{IMAGES: b"<html>"})
    (world.cache / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    lines = str(datasets.status("mnist")).splitlines()
    assert lines[0] == f"mnist: damaged, idx, 0.0 MB in {world.cache / 'mnist'}"
    assert lines[1].startswith(f"  {IMAGES}: an HTML page of 6 bytes")
    assert lines[2:] == ["  t10k-labels-idx1-ubyte.gz: missing"]
    monkeypatch.undo()
    assert str(datasets.status("digits")) == "digits: present, embedded, needs no file"


# The idx format


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


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"x" * 9999)[:-10], gzip.compress(b"longer than pinned")])
def test_a_pinned_file_that_is_no_such_archive(world, data):
    world.archives[IMAGES] = data
    world.pin_mnist()
    world.entries["mnist"]["forms"]["idx"][0]["contents"] = {IMAGES[:-3]: {"size": 1}}
    world.pin("mnist", world.entries["mnist"]["forms"])
    assert re.search(rf"{IMAGES}: .*(not a whole archive|instead of 1 bytes)", failure())


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)))
def test_idx_arrays_come_back(array):
    labels = np.zeros(len(array), np.uint8)
    blocks = {f"{prefix}-images-idx3-ubyte": idx_bytes(array) for prefix in ("train", "t10k")}
    blocks |= {f"{prefix}-labels-idx1-ubyte": idx_bytes(labels) for prefix in ("train", "t10k")}
    images, _ = formats.idx(blocks)["test"]
    np.testing.assert_array_equal(images[..., 0], array)


@given(st.data())
def test_no_damage_passes(data):
    plain = idx_bytes(IDX[IMAGES[:-3]])
    archive = gzip.compress(plain, mtime=1)
    file = files.File("x.gz", len(archive), sha256(archive), (), {"x": files.Content(len(plain), sha256(plain))})
    cut = data.draw(st.integers(0, len(archive)), label="cut")
    at, bit = data.draw(st.tuples(st.integers(0, len(archive) - 1), st.integers(0, 7)), label="flip")
    flipped = bytearray(archive)
    flipped[at] ^= 1 << bit
    assert (file.damage(archive[:cut]) == "") == (cut == len(archive))
    if file.damage(bytes(flipped)) == "":  # a bit of the gzip header that changes nothing inside
        assert bytes(file.unpack(bytes(flipped))["x"]) == plain


# CIFAR-10


def cifar_batches(n=2):
    """Five training batches and a test batch of n images; red is 0, 1, …, green is 100 and blue 200 throughout."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    batches = {}
    for number, name in enumerate(names):
        planes = np.empty((n, 3, 32, 32), np.uint8)
        planes[:, 0] = np.arange(32) + number
        planes[:, 1], planes[:, 2] = 100, 200
        labels = (np.arange(n) + n * number) % 10
        batches[name] = b"".join(bytes([label]) + image.tobytes() for label, image in zip(labels, planes))
    return batches


def tar_gz(members, links=()):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, target in links:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


TAR = "cifar-10-binary.tar.gz"


def pin_cifar(world, archive, batches, **forms):
    """Pin and serve an archive as the binary form, before the other forms."""
    contents = {name: content(data) for name, data in batches.items()}
    world.pin("cifar10", {"binary": [pinned(TAR, archive, contents, world.urls(TAR))], **forms})
    world.server.serve(f"/a/{TAR}", archive)


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


@pytest.mark.parametrize("data", [b"no archive", gzip.compress(b"no tar" * 1000), gzip.compress(bytes(1 << 24))])
def test_a_pinned_archive_that_is_none(world, data):
    pin_cifar(world, data, cifar_batches())
    assert re.search(rf"{TAR}: (not a whole archive|data_batch_1.bin has 0 instead)", failure("cifar10"))


def record_files(folder, labels):
    """RecordIO in lossless PNG, so that pixels can be compared: red is the image's number, green 100, blue 200."""
    for part in ("train", "test"):
        record = mx.recordio.MXIndexedRecordIO(str(folder / f"{part}.idx"), str(folder / f"{part}.rec"), "w")
        for number, label in enumerate(labels):
            png = io.BytesIO()
            Image.new("RGB", (32, 32), (number, 100, 200)).save(png, "png")
            record.write_idx(number, mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), png.getvalue()))
        record.close()
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def records(world, tmp_path):
    (tmp_path / "records").mkdir()
    made = record_files(tmp_path / "records", labels=[3, 1, 4, 1, 5, 9, 2])
    batches = cifar_batches()
    recordio = [pinned(name, data) for name, data in made.items()]
    pin_cifar(world, tar_gz(batches), batches, recordio=recordio)
    return made


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


# The digits


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


# What chapters rely on


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


# The manifest


def test_the_manifest_describes_every_data_set():
    assert tuple(json.loads(paths.manifest_file().read_text())) == datasets.NAMES
    page = README.read_text()
    for name in datasets.NAMES:
        info = datasets.info(name)
        assert all((info.title, info.licence, info.source, info.citation))
        assert len(datasets.CLASSES[name]) == 10
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert (f"{info.size / 1e6:.1f} MB" if info.size else "none") in row
        for form, pins in info.forms.items():
            assert form in ("embedded", "idx", "binary", "recordio")
            for file in pins:
                assert re.fullmatch("[0-9a-f]{64}", file.sha256)
                assert len(file.urls) == (0 if form == "recordio" else 2)
                assert all(url.endswith(f"/{file.name}") for url in file.urls)
                assert file.size > 0


def test_the_manifest_pins_no_file_twice():
    pins = [file.sha256 for name in datasets.NAMES for form in datasets.info(name).forms.values() for file in form]
    assert len(pins) == len(set(pins)) == 13


# The real data, where they are here


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
