"""A part that fails ends at once, even where nothing can be written: cleaning up, it would wait for the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from gluonbook.rank import notes
from gluonbook.rank.order import Order

CLEANING = "import atexit, sys\natexit.register(lambda: open('cleaned', 'w'))\n"
FAILING = {
    "raise ValueError('no such batch')": 1,
    "sys.exit('the data is missing')": 1,
    "sys.exit(3)": 3,
}


def ended(folder: Path, *words: str) -> tuple[int, bool]:
    """The exit status of a process whose disk is full, and whether it has cleaned up as Python does."""
    places = {notes.FOLDER: str(folder / "gone"), notes.NAME: "rank-0"}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, *words], stdout=full, stderr=full, env={**os.environ, **places}, cwd=folder
        )
    return done.returncode, (folder / "cleaned").exists()


def test_a_full_disk_delays_no_end(tmp_path):
    failing = "from gluonbook.rank.ending import fail\ntry:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
    assert ended(tmp_path, "-c", f"{CLEANING}{failing}    fail('raised', error, 7)") == (7, False)


@pytest.mark.parametrize("words", FAILING)
def test_nor_that_of_a_part(tmp_path, words):
    """Its notes vanish after it has begun, and its log is one that takes nothing."""
    script = tmp_path / "train.py"
    script.write_text(f"{CLEANING}import os, shutil\nshutil.rmtree(os.environ['{notes.FOLDER}'])\n{words}")
    (tmp_path / "rank-0.log").symlink_to("/dev/full")
    (tmp_path / "notes").mkdir()
    order = Order("rank", 0, [str(script)], str(tmp_path), str(tmp_path / "notes"), str(tmp_path), {})
    (tmp_path / "order").write_text(json.dumps(asdict(order)))
    assert ended(tmp_path, "-m", "gluonbook.rank.part", "order") == (FAILING[words], False)


def test_what_a_script_leaves_of_its_output_is_no_hindrance(tmp_path):
    leaving = "from gluonbook.rank.ending import leave\nsys.stdout = None\nsys.stderr.close()\nleave('left', 256)"
    assert ended(tmp_path, "-c", CLEANING + leaving) == (1, False)
