"""What is looked at before a run starts: /dev/shm and open files, made up here, and really small with `make faults`."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from pathlib import Path

import launched
import pytest

from gluonbook import launch
from gluonbook.launch import LaunchError, room
from gluonbook.machine import limits
from gluonbook.machine.folder import Folder
from repetitions import FULL

MIB = 2**20
MINE = "from mpi4py import MPI; MPI.COMM_WORLD.Barrier()"


@pytest.fixture
def free(monkeypatch):
    """Sets how much of /dev/shm seems to be free."""

    def set_to(size: int) -> None:
        seen = Folder(Path("/dev/shm"), 64 * MIB, size, full=False, read_only=False, without_programs=False)
        monkeypatch.setattr(Folder, "around", lambda path: seen)

    monkeypatch.delenv("UCX_TLS", raising=False)
    return set_to


@pytest.mark.parametrize("ranks", range(1, 17))
@pytest.mark.parametrize("mebibytes", [1, 2, 4, 8, 16, 17, 64, 128, 1024])
def test_ranks_get_by_with_little_or_one_sentence_says_what_they_need(free, ranks, mebibytes):
    free(mebibytes * MIB)
    if mebibytes * MIB < 1_057_000 * ranks:
        with pytest.raises(LaunchError, match=rf"^/dev/shm has 64 MiB, .* {ranks} ranks of MPI need .*--shm-size=1g"):
            room.shared_memory(ranks, {})
    else:
        plenty = mebibytes * MIB >= 5_931_200 * ranks
        assert room.shared_memory(ranks, {}) == ({} if plenty else {"UCX_TLS": "^posix"})


def test_who_has_chosen_the_transports_of_ucx_keeps_them(free, monkeypatch):
    free(8 * MIB)
    assert room.shared_memory(4, {"UCX_TLS": "tcp"}) == {}
    monkeypatch.setenv("UCX_TLS", "posix")
    assert room.shared_memory(4, {}) == {}


def test_shared_memory_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "SHARED_MEMORY", tmp_path / "absent")
    with pytest.raises(LaunchError, match=r"absent is missing, .*mount -t tmpfs"):
        room.shared_memory(2, {})


@pytest.mark.parametrize(("servers", "need"), [(None, 22), (1, 26), (2, 29)])
def test_too_few_open_files(monkeypatch, servers, need):
    for allowed in (need - 1, need):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, allowed=allowed: (allowed, 4096))
        if allowed < need:
            sentence = rf"^2 workers need {need} open files: A process may have {allowed} files open \(`ulimit -n 4096`"
            with pytest.raises(LaunchError, match=sentence):
                room.open_files(2, servers)
        else:
            room.open_files(2, servers)


@pytest.mark.parametrize("refused", ["tempfile.mkdtemp", "subprocess.Popen"])
@pytest.mark.parametrize("log_dir", [True, False])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EDQUOT, "Your share of the disk"),
        (errno.EMFILE, "files open"),
        (errno.ENOMEM, "of memory"),
        (errno.EAGAIN, "Resource temporarily unavailable"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_what_the_system_refuses_at_the_start(tmp_path, monkeypatch, mark, refused, log_dir, number, said):
    def refuses(*_, **__):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))

    path = launched.script(tmp_path, MINE)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(refused, refuses)
    with pytest.raises(LaunchError, match=said):
        launch.run(path, 2, log_dir=tmp_path if log_dir else None, quiet=True)
    assert [file for file in sorted(tmp_path.iterdir()) if file not in before and file.name.startswith(".run-")] == []


def in_a_namespace(prepare: str, folder: Path, workers: int) -> subprocess.CompletedProcess[str]:
    """A run where /dev/shm is another one, for it alone."""
    path = launched.script(folder, MINE)
    words = launched.command_line("--workers", str(workers), str(path))
    shell = ["unshare", "-m", "sh", "-c", f'{prepare} && exec "$@"', "_", *words]
    return subprocess.run(shell, capture_output=True, text=True, check=False)


namespaces = pytest.mark.skipif(
    not FULL or os.geteuid() != 0 or shutil.which("unshare") is None, reason="root's, and of `make faults`"
)


@namespaces
@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "workers", "said"),
    [
        ("mount -t tmpfs -o size=64m tmpfs /dev/shm", 16, "16 workers ended well"),
        ("mount -t tmpfs -o size=64m tmpfs /dev/shm", 12, "12 workers ended well"),
        ("mount -t tmpfs -o size=5m tmpfs /dev/shm", 4, "4 workers ended well"),
        ("mount -t tmpfs -o size=1m tmpfs /dev/shm", 4, "4 ranks of MPI need 4.03 MiB: `docker run --shm-size=1g`"),
        ("mount -t tmpfs -o ro tmpfs /dev/shm", 2, "mounted read-only: as root, `mount -o remount,rw /dev/shm`"),
        ("mount -t tmpfs -o size=1m tmpfs /dev/shm; mount -o remount,size=1g /dev/shm", 4, "4 workers ended well"),
        ("mount -t tmpfs -o ro tmpfs /dev/shm; mount -o remount,rw /dev/shm", 2, "2 workers ended well"),
        ("umount /dev/shm", 2, "2 workers ended well"),
        ("ulimit -S -n 21", 2, "2 workers need 22 open files: A process may have 21 files open (`ulimit -n"),
        ("ulimit -S -n 22", 2, "2 workers ended well"),
    ],
)
def test_a_real_limit_and_its_remedy(tmp_path, mark, prepare, workers, said):
    done = in_a_namespace(prepare, tmp_path, workers)
    assert said in done.stdout + done.stderr
    assert done.returncode == (0 if "ended well" in said else 1)
