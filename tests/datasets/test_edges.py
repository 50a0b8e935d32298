"""Whatever a disk, a network or the environment answers: a DatasetError with what helps, or the next source."""

from __future__ import annotations

import errno
import json
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pooch
import pytest
import requests
import urllib3

from gluonbook import datasets, paths
from gluonbook.datasets import DatasetError
from gluonbook.storage.errors import StorageError
from read_only import read_only
from small_data import IMAGES, assert_mnist, failure
from troubles import ERRNOS, refusal, refuse

# What lies where a file should be, and the words for it.
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "it is no file"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "a link to nowhere, which is not there"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "it is a link to"),
    "a pipe": (os.mkfifo, "it is no file"),
    "an empty file": (Path.touch, "truncated: 0 of"),
}


def is_images(path: Path, *, follow_symlinks: bool = True) -> bool:
    """Whether a file is asked for, and not whether something has its name."""
    return path.name == IMAGES and follow_symlinks


class TestReading:
    @pytest.mark.parametrize("operation", ["stat", "read_bytes"])
    def test_what_the_user_keeps_and_cannot_read_is_told(self, world, own, monkeypatch, operation):
        world.put(own)
        for number in ERRNOS:
            with monkeypatch.context() as patch:
                refuse(patch, Path, operation, refusal(number), of=is_images)
                for look in (datasets.load, datasets.fetch, datasets.status):
                    with pytest.raises(DatasetError) as caught:
                        look("mnist")
                    assert f"{own / 'mnist' / IMAGES} cannot be read ({os.strerror(number)}" in str(caught.value)
                    assert "GLUONBOOK_DATA to another folder" in str(caught.value)
        assert world.server.asked == []

    @pytest.mark.parametrize("operation", ["stat", "read_bytes"])
    def test_what_the_cache_holds_and_cannot_be_read_is_fetched_anew(self, world, monkeypatch, operation):
        for number in ERRNOS:
            world.put(world.cache)
            world.server.asked.clear()
            with monkeypatch.context() as patch:
                refuse(patch, Path, operation, refusal(number), of=is_images, once=True)
                assert_mnist(datasets.load("mnist"))
            assert world.server.asked == [f"/a/{IMAGES}"]
        assert len(world.cached()) == 4

    def test_and_without_a_network_the_message_says_both(self, world, monkeypatch):
        world.put(world.cache)
        world.server.stop()
        refuse(monkeypatch, Path, "read_bytes", refusal(errno.EACCES), of=lambda path: path.name == IMAGES)
        assert datasets.status("mnist").state == "damaged"
        message = failure()
        assert f"{IMAGES}: cannot be read (Permission denied: " in message and "Connection refused" in message

    @pytest.mark.parametrize("odd", ODD)
    def test_something_else_in_the_place_of_the_users_file(self, world, own, odd):
        make, words = ODD[odd]
        world.put(own)
        (own / "mnist" / IMAGES).unlink()
        make(own / "mnist" / IMAGES)
        message = failure()
        assert str(own / "mnist" / IMAGES) in message and words in message
        assert world.server.asked == []

    @pytest.mark.parametrize("odd", ODD)
    def test_something_else_in_the_place_of_a_file_of_the_cache(self, world, odd):
        make, words = ODD[odd]
        world.put(world.cache)
        (world.cache / "mnist" / IMAGES).unlink()
        make(world.cache / "mnist" / IMAGES)
        assert words in str(datasets.status("mnist"))
        if odd == "a folder":
            assert "it is a folder); move away what lies there" in failure()
            assert world.server.asked == [], "that can be known before"
        else:
            assert_mnist(datasets.load("mnist"))

    @pytest.mark.parametrize("odd", [odd for odd in ODD if odd != "a dangling link"])
    def test_something_else_in_the_place_of_the_users_folder(self, world, monkeypatch, odd, tmp_path):
        ODD[odd][0](tmp_path / "odd")
        monkeypatch.setenv("GLUONBOOK_DATA", str(tmp_path / "odd" / "deeper"))
        message = failure()
        assert "GLUONBOOK_DATA" in message and str(tmp_path / "odd" / "deeper") in message

    def test_a_complete_folder_that_is_read_only_is_enough(self, world, own):
        world.put(own)
        with read_only(own):
            assert_mnist(datasets.load("mnist"))

    def test_a_complete_cache_that_is_read_only_is_enough(self, world):
        world.put(world.cache)
        with read_only(world.cache):
            assert_mnist(datasets.load("mnist"))


class TestKeeping:
    @pytest.mark.parametrize("place", [(Path, "mkdir"), (Path, "write_bytes"), (os, "fsync"), (Path, "replace")])
    def test_a_disk_that_refuses(self, world, monkeypatch, place):
        for number in ERRNOS:
            with monkeypatch.context() as patch:
                refuse(patch, *place, refusal(number), once=True)
                message = failure()
            assert os.strerror(number) in message and f"mnist/{IMAGES}" in message and "GLUONBOOK_DATA" in message
            assert world.cached() == []

    def test_a_cache_that_is_read_only_is_told_before_anything_is_fetched(self, world):
        world.put(world.cache)
        (world.cache / "mnist" / IMAGES).unlink()
        with read_only(world.cache):
            message = failure()
        assert f"{IMAGES} cannot be kept: " in message and "GLUONBOOK_DATA may name a folder that has it" in message
        assert world.server.asked == []

    def test_a_file_in_the_place_of_the_cache(self, world):
        world.cache.touch()
        assert "cannot be kept" in failure() and world.server.asked == []


def every(module: object, base: type) -> list[BaseException]:
    """One of each error that a library may raise."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
    found = []
    for kind in dict.fromkeys(kinds):
        error = kind.__new__(kind)  # their constructors ask for pools and responses
        error.args = ("played",)
        found.append(error)
    return found


NETWORK = [
    *every(requests.exceptions, requests.RequestException),
    *every(urllib3.exceptions, urllib3.exceptions.HTTPError),
    *[error for error in every(ssl, OSError) if isinstance(error, ssl.SSLError)],
    *map(refusal, ERRNOS),
    *(ValueError("bad port"), UnicodeError("label too long"), EOFError("cut"), TimeoutError("timed out")),
    *(ConnectionResetError("reset"), OSError("Could not find a suitable TLS CA certificate bundle")),
]


def test_whatever_the_first_mirror_meets_the_second_is_asked(world, monkeypatch):
    world.put(world.cache)
    world.server.serve(f"/b/{IMAGES}", world.archives[IMAGES])
    for trouble in NETWORK:
        (world.cache / "mnist" / IMAGES).unlink()
        with monkeypatch.context() as patch:
            refuse(patch, pooch.HTTPDownloader, "__call__", trouble, once=True)
            assert datasets.fetch("mnist")[IMAGES].read_bytes() == world.archives[IMAGES]
    assert world.server.asked == [f"/b/{IMAGES}"] * len(NETWORK)


def test_where_both_meet_it_the_recipe_is_told(world, monkeypatch):
    for trouble in NETWORK:
        with monkeypatch.context() as patch:
            refuse(patch, pooch.HTTPDownloader, "__call__", trouble)
            message = failure()
        assert "without a network" in message and all(url in message for url in world.urls(IMAGES)), repr(trouble)
    assert world.cached() == []


# Bundles of certificates of which none can be one.
BUNDLES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": Path.touch,
    "folder": Path.mkdir,
    "binary": lambda path: path.write_bytes(b"\0\1garbage"),
    "cut": lambda path: path.write_text("-----BEGIN CERTIFICATE-----\nMIIB"),
    "a page": lambda path: path.write_text("<html>"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "x" * 300: lambda path: None,
}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_bundle_of_certificates_that_is_none(world, monkeypatch, tmp_path, variable, bundle):
    for name in ("https_proxy", "HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    BUNDLES[bundle](tmp_path / bundle)
    monkeypatch.setenv(variable, str(tmp_path / bundle))
    world.server.url = world.server.url.replace("http:", "https:")
    world.pin_mnist()
    message = failure()
    assert message.count(f"(as {variable} would have it: set that right, or unset it)") == 2, "both mirrors were asked"
    assert "without a network" in message and world.cached() == []
    monkeypatch.delenv(variable)
    world.server.url = world.server.url.replace("https:", "http:")
    world.pin_mnist()
    assert_mnist(datasets.load("mnist"))


def test_a_name_that_is_not_found_is_no_fault_of_certificates(world, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().openssl_cafile)
    world.server.url = "https://gluonbook.invalid"
    world.pin_mnist()
    trouble = requests.ConnectionError(f"Failed to resolve {world.server.url}")
    refuse(monkeypatch, pooch.HTTPDownloader, "__call__", trouble)
    message = failure()
    assert "Failed to resolve" in message and "CA_BUNDLE" not in message


@pytest.mark.parametrize(
    "proxy",
    [
        *("http://", "http://127.0.0.1:1", "http://127.0.0.1:abc", "socks5://127.0.0.1:1", "ftp://127.0.0.1:1"),
        *(":8080", "http://user:secret@[::1", "//", "gopher://x", f"http://{'a' * 70}.x:3"),
    ],
)
def test_a_proxy_that_is_none(world, monkeypatch, proxy):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    message = failure()
    assert "as http_proxy would have it" in message and "secret" not in message and world.cached() == []
    monkeypatch.delenv("http_proxy")
    assert_mnist(datasets.load("mnist"))


class TestManifest:
    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"{", b"[]", b'"mnist"', b"7", b"\xff\xfe{}", b"\x80", b"\0", b'{"mnist": []}', b'{"mnist": {}}'),
            *(
                b'{"mnist": {"forms": []}}',
                b'{"mnist": {"forms": {"idx": [{}]}}}',
                b'{"mnist": {"forms": {"idx": [1]}}}',
            ),
        ],
    )
    def test_one_that_is_damaged(self, world, content):
        world.manifest.write_bytes(content)
        for look in (datasets.load, datasets.fetch, datasets.status, datasets.info):
            with pytest.raises((DatasetError, ValueError), match=r"manifest\.json|no data set") as caught:
                look("mnist")
            assert type(caught.value) in (DatasetError, ValueError)
            assert isinstance(caught.value, DatasetError) or json.loads(content) in ([], "mnist", 7)

    def test_one_that_cannot_be_read(self, world, monkeypatch):
        for number in ERRNOS:
            with monkeypatch.context() as patch:
                refuse(patch, Path, "read_bytes", refusal(number), of=lambda path: path == world.manifest)
                with pytest.raises(DatasetError, match=r"manifest\.json cannot be read .*, or reinstall gluonbook"):
                    datasets.status("mnist")


class TestCache:
    """Where there is no checkout, downloads are kept in the user's cache."""

    @pytest.mark.parametrize("folder", ["relative", "~/cache", ".", ""])
    def test_it_is_the_same_in_each_working_directory(self, world, monkeypatch, folder):
        monkeypatch.undo()
        monkeypatch.setattr(paths, "checkout", lambda: None)
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        try:
            assert paths.data_folder().is_absolute()
        except StorageError as error:  # of a platformdirs that takes what it says
            assert "set XDG_CACHE_HOME to an absolute path" in str(error)

    def test_without_a_home(self, monkeypatch):
        monkeypatch.setattr(paths, "checkout", lambda: None)
        monkeypatch.setattr(pooch, "os_cache", lambda name: Path("~/.cache", name))
        with pytest.raises(StorageError, match=r"'~/.cache/gluonbook'.* set HOME"):
            paths.data_folder()

    def test_it_is_no_traceback(self, world, monkeypatch):
        def none() -> Path:
            raise StorageError("the folder for downloads is 'x'")

        monkeypatch.setattr(paths, "data_folder", none)
        assert failure() == "the folder for downloads is 'x'"


NOBODY = """
import os, sys
from gluonbook.datasets import DatasetError, fetch
from gluonbook import paths
from pathlib import Path
paths.manifest_file, paths.data_folder = lambda: Path(sys.argv[1]), lambda: Path("/nowhere")
import encodings.utf_8_sig  # what nobody may not find any more
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for folder in sys.argv[2:]:
    os.environ["GLUONBOOK_DATA"] = folder
    try:
        print(*fetch("mnist"))
    except DatasetError as error:
        print(str(error).splitlines()[0])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_data_of_somebody_else(world, open_path):
    """A folder that may not be entered, one that may not be searched, and a file that may not be read; chmod helps."""
    manifest = shutil.copy(world.manifest, open_path)
    own = [open_path / name for name in ("closed", "inner", "file")]
    for folder in own:
        world.put(folder)
    closed = [own[0], own[1] / "mnist", own[2] / "mnist" / IMAGES]
    for path in closed:
        path.chmod(0)
    command = [sys.executable, "-c", NOBODY, manifest, *map(str, own)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for line, path in zip(said, closed):
        assert (
            f"{path} belongs to root, and this is nobody); let its owner change that with chmod, or set GLUON" in line
        )
    for path in closed:
        path.chmod(0o755)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [" ".join(world.archives)] * 3
