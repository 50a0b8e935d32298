"""Every answer of a disk at every step of reading and writing: our own error, what was there stays, nothing is left."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from files import names
from gluonbook.storage import atomic, folders, locks
from gluonbook.storage.errors import StorageError, told
from gluonbook.storage.folders import Damaged
from troubles import ERRNOS, refusal, refuse

OLD, NEW = {"a": b"old"}, {"a": b"new"}
MISSING = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

# Where a disk may refuse.
WRITING_A_FILE = [(Path, "write_bytes"), (os, "open"), (os, "fsync"), (Path, "replace")]
WRITING_A_FOLDER = [(Path, "mkdir"), (Path, "write_bytes"), (os, "open"), (os, "fsync"), (Path, "rename")]
READING_A_FOLDER = [(Path, "iterdir"), (Path, "read_bytes")]


def called(place: tuple[object, str]) -> str:
    return f"{getattr(place[0], '__name__', place[0])}.{place[1]}"


def is_folder(descriptor: int, *_: object) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@pytest.mark.parametrize("place", WRITING_A_FILE, ids=called)
def test_a_file_that_cannot_be_written(tmp_path, monkeypatch, place):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    for number in ERRNOS:
        with monkeypatch.context() as patch, pytest.raises(StorageError) as caught:
            refuse(patch, *place, refusal(number))
            atomic.replace(file, b"new")
        assert str(file) in str(caught.value) and os.strerror(number) in str(caught.value)
        assert caught.value.errno == number
        assert file.read_bytes() == b"old" and names(tmp_path) == ["file"]


@pytest.mark.parametrize("place", WRITING_A_FOLDER, ids=called)
def test_a_checkpoint_that_cannot_be_written(tmp_path, monkeypatch, place):
    folders.write(tmp_path, 1, OLD)
    for number in ERRNOS:
        with monkeypatch.context() as patch, pytest.raises(StorageError) as caught:
            refuse(patch, *place, refusal(number), once=True)  # the cleaning up is to go well
            folders.write(tmp_path, 2, NEW, keep=1)
        assert str(tmp_path) in str(caught.value) and os.strerror(number) in str(caught.value)
        assert names(tmp_path) == ["step-00000001"] and folders.read(folders.latest(tmp_path)) == OLD


@pytest.mark.parametrize("place", READING_A_FOLDER, ids=called)
def test_a_checkpoint_that_cannot_be_read_is_not_taken_for_a_damaged_one(tmp_path, monkeypatch, place):
    for step in (1, 2):
        path = folders.write(tmp_path, step, OLD)
    for number in ERRNOS:
        with monkeypatch.context() as patch:
            refuse(patch, *place, refusal(number), of=lambda asked: path in (asked, asked.parent))
            with pytest.raises(Damaged if number in MISSING else StorageError, match="step-00000002"):
                folders.read(path)
            if number not in MISSING:
                with pytest.raises(StorageError, match=r"step-00000002.* cannot be read"):
                    folders.latest(tmp_path)
                with pytest.raises(StorageError, match=r"step-00000002.* cannot be read"):
                    folders.write(tmp_path, 1, OLD)  # it would have to go, were it damaged
        assert folders.latest(tmp_path) == path


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path, monkeypatch):
    folders.write(tmp_path / "run", 1, OLD)
    for number in ERRNOS:
        with monkeypatch.context() as patch:
            refuse(patch, Path, "iterdir", refusal(number))
            if number == errno.ENOENT:
                assert folders.latest(tmp_path / "run") is None
            else:
                with pytest.raises(StorageError, match="run cannot be read"):
                    folders.latest(tmp_path / "run")


def test_a_file_where_the_folder_should_be_is_told_before_anything_is_written(tmp_path):
    (tmp_path / "run").touch()
    for look in (folders.latest, folders.steps, folders.clear, lambda run: folders.write(run, 1, OLD)):
        with pytest.raises(StorageError, match=r"run cannot be .*; move away what lies there"):
            look(tmp_path / "run")


def test_a_checkpoint_that_cannot_be_removed_does_not_end_the_run(tmp_path, monkeypatch):
    for number in (errno.EBUSY, errno.ENOTEMPTY, errno.EACCES, errno.EIO, errno.ESTALE):
        run = tmp_path / str(number)
        folders.write(run, 2, OLD, keep=1)
        with monkeypatch.context() as patch:
            refuse(patch, folders.shutil, "rmtree", refusal(number))  # as where somebody reads it, on NFS
            with pytest.warns(RuntimeWarning, match=r"step-00000002 cannot be removed"):
                folders.write(run, 3, OLD, keep=1)
            with pytest.raises(StorageError, match="cannot be cleared"):
                folders.clear(run)
        folders.write(run, 4, OLD, keep=1)
        assert names(run) == ["step-00000004"], "what had to stay goes when it can"


def test_a_damaged_checkpoint_that_cannot_be_removed_costs_no_sound_one(tmp_path, monkeypatch):
    folders.write(tmp_path, 1, OLD)
    (folders.write(tmp_path, 5, OLD) / "a").write_bytes(b"damaged")
    refuse(monkeypatch, Path, "rename", refusal(errno.EBUSY), of=lambda path, _: path.name == "step-00000005")
    with pytest.warns(RuntimeWarning, match="step-00000005 cannot be removed"):
        path = folders.write(tmp_path, 2, OLD, keep=1)
    assert folders.read(path) == OLD


def test_a_folder_is_tried_before_a_run(tmp_path, monkeypatch):
    folders.prepare(tmp_path / "a" / "run")
    assert names(tmp_path / "a" / "run") == []
    for place in [(Path, "mkdir"), (Path, "write_bytes")]:
        for number in ERRNOS:
            with monkeypatch.context() as patch, pytest.raises(StorageError, match=os.strerror(number)):
                refuse(patch, *place, refusal(number))
                folders.prepare(tmp_path / "a" / "run")
    assert names(tmp_path / "a" / "run") == []


class TestFlushing:
    """A folder that cannot be flushed is no error: EINVAL, ENOTSUP and their like. A file that cannot is one."""

    @pytest.mark.parametrize("operation", ["open", "fsync"])
    def test_of_a_folder(self, tmp_path, monkeypatch, operation):
        meant = {"fsync": is_folder, "open": lambda path, *_, **__: Path(path).is_dir()}[operation]
        for number in ERRNOS:
            here = tmp_path / str(number)
            here.mkdir()
            for write in (partial(atomic.replace, here / "file", b"new"), partial(folders.write, here, 1, NEW)):
                with monkeypatch.context() as patch:
                    refuse(patch, os, operation, refusal(number), of=meant, once=number not in NO_FLUSH)
                    if number in NO_FLUSH:
                        write()
                    else:
                        with pytest.raises(StorageError, match=os.strerror(number)):
                            write()
            assert names(here) == ["file", "step-00000001"][: 2 if number in NO_FLUSH else 1]

    def test_of_a_file(self, tmp_path, monkeypatch):
        for number in NO_FLUSH:
            for write in (partial(atomic.replace, tmp_path / "file", b"new"), partial(folders.write, tmp_path, 1, NEW)):
                with monkeypatch.context() as patch, pytest.raises(StorageError):
                    refuse(patch, os, "fsync", refusal(number), of=lambda descriptor: not is_folder(descriptor))
                    write()
        assert names(tmp_path) == []

    def test_through_a_descriptor_that_may_write(self, tmp_path, monkeypatch):
        seen = []

        def look(descriptor: int) -> None:
            seen.append((is_folder(descriptor), fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE))

        monkeypatch.setattr(os, "fsync", look)
        atomic.replace(tmp_path / "file", b"new")
        assert seen == [(False, os.O_RDWR), (True, os.O_RDONLY)]


@pytest.mark.parametrize("name", ["n", "n" * 200, "n" * 241, "n" * 255, "ü" * 127, "n." + "x" * 253])
def test_every_name_that_the_disk_takes_can_be_written(tmp_path, name):
    atomic.replace(tmp_path / name, b"new")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("path", ["x\0y", "n" * 256, "/proc/nobody/x", "/dev/null/x", ""])
def test_a_path_that_can_be_none(path):
    with pytest.raises((StorageError, ValueError)):
        atomic.replace(path, b"new")


class TestLocks:
    def test_a_share_that_knows_no_locks_is_written_all_the_same(self, tmp_path, monkeypatch):
        for number in ERRNOS:
            with monkeypatch.context() as patch:
                refuse(patch, FileLock, "_acquire", refusal(number))
                try:
                    with locks.alone(tmp_path / "lock", seconds=0):
                        entered = True
                except StorageError as error:
                    entered = False
                    assert f"{tmp_path}/lock cannot be locked ({os.strerror(number)}" in str(error)
            assert entered == (number in NO_LOCKS), os.strerror(number)

    @pytest.mark.parametrize("seconds", [0, 1, float("inf")])
    def test_whatever_filelock_makes_of_the_system_s_answer(self, tmp_path, monkeypatch, seconds):
        """Its third version takes any refusal but ENOSYS for another process, and asks again until the time is up."""
        waited = []
        refuse(monkeypatch, FileLock, "acquire", Timeout("lock"), of=lambda *_, **__: waited.append(1) or True)
        for number in ERRNOS:
            with monkeypatch.context() as patch:
                refuse(patch, fcntl, "flock", refusal(number))
                if number in NO_LOCKS:
                    with locks.alone(tmp_path / "lock", seconds=seconds):
                        pass
                elif number != errno.EACCES:  # some shares say so of a lock that another holds
                    with pytest.raises(StorageError, match=os.strerror(number)):
                        locks.alone(tmp_path / "lock", seconds=seconds).__enter__()
            assert not waited, os.strerror(number)

    def test_a_share_without_locks_asks_for_no_other_kind_of_lock(self, tmp_path, monkeypatch):
        """The fourth makes do with a file that stands for the lock, and stays when its maker is killed."""
        refuse(monkeypatch, fcntl, "flock", refusal(errno.ENOSYS))
        with locks.alone(tmp_path / "lock", seconds=0), locks.alone(tmp_path / "lock", seconds=0):
            pass

    def test_one_that_another_holds(self, tmp_path):
        with locks.alone(tmp_path / "lock", seconds=0):
            for wait in (0, 0.1):
                asked = []
                second = locks.alone(tmp_path / "lock", seconds=wait, busy=partial(asked.append, 1))
                with pytest.raises(locks.Busy, match=f"another process has held .*/lock for {wait} s"), second:
                    pass
                assert asked == [1]
        with locks.alone(tmp_path / "lock", seconds=0):
            pass

    def test_what_happens_inside_is_not_taken_for_the_lock_s(self, tmp_path):
        with pytest.raises(OSError, match="mine"), locks.alone(tmp_path / "lock", seconds=0):
            raise OSError(errno.ENOLCK, "mine")


class TestWords:
    def test_whose_a_closed_folder_is(self, tmp_path):
        file = tmp_path / "closed/mnist/images.gz"
        file.parents[1].mkdir()
        with pytest.raises(StorageError) as caught, told(file, "read", "set GLUONBOOK_DATA"):
            raise PermissionError(errno.EACCES, "Permission denied")
        who = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        owner = f"{file.parents[1]} belongs to {who}, and this is {who}"
        remedy = "let its owner change that with chmod, or set GLUONBOOK_DATA"
        assert str(caught.value) == f"{file} cannot be read (Permission denied: {owner}); {remedy}"

    def test_one_line_that_says_what_and_why(self):
        for trouble in [*map(refusal, ERRNOS), OSError(), OSError("text")]:
            with pytest.raises(StorageError) as caught, told("/some/where", "read"):
                raise trouble
            said = str(caught.value)
            assert said.startswith("/some/where cannot be read (") and said.endswith(", or choose another place")
            assert "\n" not in said and "()" not in said and "None" not in said

    def test_the_innermost_word_counts(self):
        with pytest.raises(StorageError, match=r"^/inner"), told("/outer", "read"), told("/inner", "read"):
            raise OSError(errno.EIO, "Input/output error")


NOBODY = """
import os, sys
from gluonbook.storage import atomic, folders
from gluonbook.storage.errors import StorageError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for path in sys.argv[1:]:
    try:
        folders.latest(path)
        folders.write(path, 1, {"a": b"x"})
        print("went well")
    except StorageError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_remedy_for_a_permission_helps(open_path):
    places = [open_path / name / "run" for name in ("closed", "open", "drop")]
    for place in places:
        place.mkdir(parents=True)
    places[0].parent.chmod(0o700)
    places[2].chmod(0o733)  # a folder that may be written, and not be read
    tried = [sys.executable, "-c", NOBODY, *map(str, places)]
    said = subprocess.run(tried, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "closed belongs to root, and this is nobody" in said[0]
    assert f"{places[1]} belongs to root" in said[1] and "cannot be written" in said[1]
    assert f"{places[2]} cannot be read" in said[2]
    for place in places:
        place.parent.chmod(0o755)
        place.chmod(0o777)
    assert subprocess.run(tried, capture_output=True, text=True, check=True).stdout.split("\n")[:3] == ["went well"] * 3


def test_warnings_are_no_errors_of_their_own(tmp_path, monkeypatch):
    """Under `-W error` a checkpoint that cannot be removed is an error of the caller's wish, after the saving."""
    folders.write(tmp_path, 1, OLD)
    refuse(monkeypatch, folders.shutil, "rmtree", refusal(errno.EBUSY))
    with warnings.catch_warnings(), pytest.raises(RuntimeWarning):
        warnings.simplefilter("error")
        folders.write(tmp_path, 2, OLD, keep=1)
    assert folders.read(folders.latest(tmp_path)) == OLD
