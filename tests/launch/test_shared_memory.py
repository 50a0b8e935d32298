"""Which shared memory of MPI is left behind, and which belongs to a run that is just beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluonbook.launch import shared_memory


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A machine of one process, 17, with one file of shared memory."""
    for name in ("shm", "proc/17/fd"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "shm/mpich_shm_17_0").write_bytes(b"")
    (tmp_path / "proc/17/maps").write_text("")
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path / "shm")
    monkeypatch.setattr(shared_memory, "PROCESSES", tmp_path / "proc")
    return tmp_path


def opens(machine: Path) -> None:
    (machine / "proc/17/fd/3").symlink_to(machine / "shm/mpich_shm_17_0")


def maps_and_closes(machine: Path) -> None:
    (machine / "proc/17/maps").write_text(f"7f00-7f10 rw-s 00000000 00:19 5    {machine / 'shm/mpich_shm_17_0'}\n")
    (machine / "proc/17/fd/3").unlink(missing_ok=True)


def left(machine: Path) -> bool:
    shared_memory.sweep(since=0)
    return (machine / "shm/mpich_shm_17_0").exists()


def test_what_nobody_holds_is_removed(machine):
    assert not left(machine)


@pytest.mark.parametrize("held", [opens, maps_and_closes])
def test_what_a_process_holds_stays(machine, held):
    held(machine)
    assert left(machine)


@pytest.mark.parametrize("reads", ["iterdir", "readlink", "read_text"])
def test_what_a_process_maps_and_closes_meanwhile_stays(machine, monkeypatch, reads):
    """Just before, or just after, its open files or its mappings are looked at."""
    opens(machine)
    read = getattr(Path, reads)

    def meanwhile(path, *arguments, **settings):
        if reads == "iterdir":
            found = list(read(path))
            maps_and_closes(machine)
            return iter(found)
        if reads == "readlink":
            maps_and_closes(machine)
            return read(path)
        try:
            return read(path, *arguments, **settings)
        finally:
            maps_and_closes(machine)

    monkeypatch.setattr(Path, reads, meanwhile)
    assert left(machine)
