from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from disks import file_size_limit
from files import names
from gluonbook.storage import atomic


def test_a_single_file_is_new_or_old(tmp_path):
    file = tmp_path / "results.jsonl"
    atomic.replace(file, b"first")
    atomic.replace(file, b"second")
    assert file.read_bytes() == b"second"
    with file_size_limit(65_536), pytest.raises(OSError, match="File too large"):
        atomic.replace(file, bytes(66_130))
    assert file.read_bytes() == b"second"
    assert names(tmp_path) == ["results.jsonl"]


def test_a_file_that_someone_else_writes_takes_its_place_whole(tmp_path):
    file = tmp_path / "model.params"
    file.write_text("old")
    with atomic.beside(file) as written:
        written.write_text("new")
        assert file.read_text() == "old" and written.parent == tmp_path
    assert file.read_text() == "new" and names(tmp_path) == ["model.params"]


@pytest.mark.parametrize("trouble", [OSError("full"), KeyboardInterrupt()])
def test_what_is_not_finished_goes_and_what_was_there_stays(tmp_path, trouble):
    file = tmp_path / "model.params"
    file.write_text("old")
    with pytest.raises(type(trouble)), atomic.beside(file) as written:
        written.write_text("ne")
        raise trouble
    assert file.read_text() == "old" and names(tmp_path) == ["model.params"]


@pytest.mark.parametrize("durable", [True, False])
def test_the_disk_is_waited_for_before_the_renaming_and_after_it(tmp_path, monkeypatch, durable):
    seen = []
    monkeypatch.setattr(atomic.os, "fsync", lambda descriptor: seen.append((tmp_path / "file").exists()))
    with atomic.beside(tmp_path / "file", durable=durable) as written:
        written.write_text("new")
    assert seen == ([False, True] if durable else [])


def test_two_that_replace_a_file_at_once_do_not_meet(tmp_path, monkeypatch):
    def meanwhile(descriptor):
        monkeypatch.undo()
        atomic.replace(tmp_path / "file", b"the other's")

    monkeypatch.setattr(atomic.os, "fsync", meanwhile)
    atomic.replace(tmp_path / "file", b"one's own")
    assert (tmp_path / "file").read_bytes() == b"one's own"
    assert names(tmp_path) == ["file"]


REPLACER = """
import pathlib, sys
from gluonbook.storage import atomic
for number in range(1, 10_000):
    atomic.replace(pathlib.Path(sys.argv[1]), b"%d\\n" % number * 60_000)
    print(number, flush=True)
"""


def test_a_kill_while_replacing_a_file_leaves_a_whole_one(tmp_path):
    file, luck = tmp_path / "results.jsonl", random.Random(3)
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", REPLACER, str(file)], stdout=subprocess.PIPE, text=True) as writer:
            reported = int(writer.stdout.readline())
            time.sleep(luck.uniform(0, 0.01))
            writer.kill()
            reported = int(([reported, *writer.stdout.read().split()])[-1])
        lines = file.read_text().splitlines()
        assert len(lines) == 60_000
        assert len(set(lines)) == 1
        assert int(lines[0]) >= reported
