"""A manifest of its own for a test, with a tiny MNIST and CIFAR-10, and a server that has their files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

import promises
from gluonbook import datasets
from gluonbook.datasets import DatasetError

IDX = {
    "train-images-idx3-ubyte": np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3),
    "train-labels-idx1-ubyte": np.array([5, 0, 4, 1, 9, 2], np.uint8),
    "t10k-images-idx3-ubyte": 255 - np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3),
    "t10k-labels-idx1-ubyte": np.array([7, 2], np.uint8),
}
IMAGES = "train-images-idx3-ubyte.gz"  # the first file that is fetched
TAR = "cifar-10-binary.tar.gz"


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


def failure(name="mnist"):
    """The message with which loading fails, soon."""
    begin = time.monotonic()
    with pytest.raises(DatasetError) as caught:
        datasets.load(name)
    assert promises.kept(time.monotonic() - begin, 5)
    return str(caught.value)


def assert_mnist(split):
    assert (split.name, split.form, split.classes) == ("mnist", "idx", tuple("0123456789"))
    for part, prefix in ((split.train, "train"), (split.test, "t10k")):
        X, y = part[:]
        images = IDX[f"{prefix}-images-idx3-ubyte"]
        np.testing.assert_array_equal(X, images[:, None].astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(y, IDX[f"{prefix}-labels-idx1-ubyte"])
        assert (X.dtype, y.dtype) == (np.float32, np.int32)


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


def pin_cifar(world, archive, batches, **forms):
    """Pin and serve an archive as the binary form, before the other forms."""
    contents = {name: content(data) for name, data in batches.items()}
    world.pin("cifar10", {"binary": [pinned(TAR, archive, contents, world.urls(TAR))], **forms})
    world.server.serve(f"/a/{TAR}", archive)


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
