from __future__ import annotations

import errno
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gluonbook import datasets
from gluonbook.datasets import DatasetError, download
from small_data import (
    IMAGES,
    assert_mnist,
    failure,
    faults,
    sha256,
)


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
    monkeypatch.setattr(download, "SLACK", 1000)
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

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DatasetError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        datasets.load("mnist")
    if isinstance(error, OSError):
        assert re.search(rf"cannot be kept: .*mnist/{IMAGES}.*No space left", str(caught.value))
    assert world.cached() == []


def test_while_a_file_is_on_its_way_the_disk_holds_nothing_of_it(world, monkeypatch):
    seen, write = [], download._Buffer.write

    def look(buffer, chunk):
        seen.append(len(list(world.cache.rglob("*.*"))))
        return write(buffer, chunk)

    monkeypatch.setattr(download._Buffer, "write", look)
    datasets.fetch("mnist")
    assert seen == [0, 1, 2, 3]  # the files before it, whole


def test_several_may_fetch_at_once(world):
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(datasets.fetch, ["mnist"] * 4))
    assert folders == [{name: world.cache / "mnist" / name for name in world.archives}] * 4
    assert len(world.cached()) == 4
    assert datasets.status("mnist").state == "present"


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
