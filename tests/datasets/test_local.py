from __future__ import annotations

import pytest

from gluonbook import datasets
from gluonbook.datasets import DatasetError
from small_data import (
    IMAGES,
    assert_mnist,
    failure,
    faults,
    sha256,
)


def test_the_users_folder_goes_first_and_nothing_is_downloaded(world, own):
    world.put(own)
    world.put(world.cache, **{IMAGES: b"damaged"})
    assert_mnist(datasets.load("mnist"))
    assert datasets.fetch("mnist")[IMAGES] == own / "mnist" / IMAGES
    assert datasets.status("mnist").folders == (own / "mnist",)
    assert world.server.asked == []


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
