"""What each Python needs of a lock, and pip when it cannot fetch."""

from __future__ import annotations

import pooch
import pytest
from packaging.utils import canonicalize_name

from gluonbook.book import wheelhouse
from gluonbook.machine import locked

LOCK = """\
numpy==1.23.5 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
tomli==2.0.1 ; python_full_version < '3.11' \\
    --hash=sha256:cc
appnope==1.0.0 ; sys_platform == 'darwin' \\
    --hash=sha256:dd
click==8.1.8 ; python_full_version < '3.10' \\
    --hash=sha256:ee
click==8.2.0 ; python_full_version >= '3.10' and python_full_version < '3.11.5' \\
    --hash=sha256:ff
click==8.2.1 ; python_full_version >= '3.11.5' \\
    --hash=sha256:gg
"""


@pytest.fixture
def lock(tmp_path):
    file = tmp_path / "lock.txt"
    file.write_text("# a comment\n" + LOCK)
    return file


@pytest.mark.parametrize(
    ("python", "needed"),
    [
        ("3.9.2", ["numpy==1.23.5", "tomli==2.0.1", "click==8.1.8"]),
        ("3.10.0", ["numpy==1.23.5", "tomli==2.0.1", "click==8.2.0"]),
        ("3.11.4", ["numpy==1.23.5", "click==8.2.0"]),
        ("3.11.5", ["numpy==1.23.5", "click==8.2.1"]),
    ],
)
def test_each_python_gets_what_its_markers_say(lock, python, needed):
    lines = [one.line() for one in wheelhouse.for_python(locked.read(lock), python)]
    assert [line.split(" --hash")[0] for line in lines] == needed


@pytest.mark.parametrize("python", wheelhouse.PYTHONS)
def test_the_book_s_lock_has_one_version_of_each_package_for_a_python(book, python):
    lock = locked.read(book.root / "requirements/cpu.txt")
    for patch in range(20):
        entries = wheelhouse.for_python(lock, f"{python}.{patch}")
        names = [canonicalize_name(one.requirement.name) for one in entries]
        assert len(names) == len(set(names))
        assert {"mxnet", "numpy", "jupyterlab", "mpich", "flit-core"} <= set(names)
        assert all(one.hashes for one in entries)


@pytest.mark.parametrize("pythons", [["3.12"], ["3.11", "2.7"], []])
def test_other_pythons_are_refused(tmp_path, lock, pythons):
    with pytest.raises(ValueError, match=r"pythons must be some of 3\.9, 3\.10, 3\.11"):
        wheelhouse.fill(tmp_path / "wheels", lock, pythons)


def test_all_patch_levels_of_a_python_are_provided_for(tmp_path, lock, monkeypatch):
    asked = []

    def fetch(command, *, input, **options):
        asked.append([line.split(" --hash")[0] for line in input.splitlines()])
        return wheelhouse.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(wheelhouse.subprocess, "run", fetch)
    wheelhouse.fill(tmp_path / "wheels", lock, ["3.11"])
    assert asked == [["numpy==1.23.5", "click==8.2.0"], ["click==8.2.1"]]


def test_without_an_index_the_error_says_so_and_keeps_what_is_there(tmp_path, lock, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/some.whl").write_bytes(b"fetched earlier")
    with pytest.raises(wheelhouse.WheelhouseError, match=r"for Python 3\.11\.0 cannot be fetched; pip says: .*numpy"):
        wheelhouse.fill(tmp_path / "wheels", lock, ["3.11"])
    assert (tmp_path / "wheels/some.whl").exists()


def test_files_of_a_former_lock_go(tmp_path, monkeypatch):
    def fetch(command, **options):
        (tmp_path / "wheels/new.whl").write_bytes(b"new")
        return wheelhouse.subprocess.CompletedProcess(command, 0, "", "")

    file = tmp_path / "lock.txt"
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "old.whl").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    file.write_text(f"new==1 --hash=sha256:{pooch.file_hash(str(tmp_path / 'new'))}\n")
    monkeypatch.setattr(wheelhouse.subprocess, "run", fetch)
    assert wheelhouse.fill(wheels, file, ["3.11"]) == [wheels / "new.whl"]
    assert not (wheels / "old.whl").exists()
