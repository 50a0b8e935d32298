from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from disks import file_size_limit, small_disk
from files import names
from gluonbook.storage import atomic, folders
from gluonbook.storage.folders import Damaged
from repetitions import FULL

pytestmark = pytest.mark.slow


def test_files_come_back_and_sha256sum_agrees(tmp_path):
    files = {"state.safetensors": b"\x00\x01" * 1000, "notes.txt": b""}
    path = folders.write(tmp_path / "run", 17, files)
    assert path.name == "step-00000017"
    assert folders.read(path) == files
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=path, check=True, capture_output=True)


def test_newest_are_kept_and_latest_is_found(tmp_path):
    assert folders.latest(tmp_path / "none") is None
    assert folders.latest(tmp_path) is None
    (tmp_path / "readme.txt").write_text("not a checkpoint")
    for step in (1, 9, 10, 123_456_789):
        assert folders.latest(tmp_path) != folders.write(tmp_path, step, {"a": b"%d" % step}, keep=3)
    assert names(tmp_path) == ["readme.txt", "step-00000009", "step-00000010", "step-123456789"]
    assert folders.latest(tmp_path).name == "step-123456789"
    assert folders.steps(tmp_path) == [123_456_789, 10, 9]
    assert folders.latest(tmp_path, until=123_456_788).name == "step-00000010"
    assert folders.latest(tmp_path, until=8) is None
    folders.clear(tmp_path, after=9)
    assert names(tmp_path) == ["readme.txt", "step-00000009"]
    folders.clear(tmp_path)
    assert names(tmp_path) == ["readme.txt"]


@pytest.mark.parametrize(("argument", "value"), [("keep", 0), ("keep", 1.5), ("step", -1), ("step", True)])
def test_bad_arguments_are_named(tmp_path, argument, value):
    arguments = {"step": 1, "keep": 2, argument: value}
    with pytest.raises(ValueError, match=f"{argument} must be a whole number .* got {value!r}"):
        folders.write(tmp_path, files={"a": b"x"}, **arguments)


def test_the_same_step_is_replaced(tmp_path):
    folders.write(tmp_path, 5, {"a": b"first"})
    path = folders.write(tmp_path, 5, {"a": b"second"})
    assert folders.read(path) == {"a": b"second"}
    assert names(tmp_path) == ["step-00000005"]


def test_a_kill_between_the_two_renames_of_a_replacement_loses_nothing(tmp_path):
    path = folders.write(tmp_path, 5, {"a": b"first"})
    path.rename(tmp_path / "step-00000005.old")
    assert folders.read(folders.latest(tmp_path)) == {"a": b"first"}
    folders.write(tmp_path, 5, {"a": b"second"}, keep=1)
    assert names(tmp_path) == ["step-00000005"]
    assert folders.read(path) == {"a": b"second"}


def test_a_kill_while_deleting_leaves_no_damaged_checkpoint(tmp_path, monkeypatch):
    def killed(path):
        next(path.iterdir()).unlink()
        raise KeyboardInterrupt

    for step in (1, 2):
        folders.write(tmp_path, step, {"a": b"x"})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folders.shutil, "rmtree", killed)
        folders.write(tmp_path, 3, {"a": b"x"})
    assert all(folders.is_sound(path) for path in tmp_path.glob("step-*"))
    folders.write(tmp_path, 4, {"a": b"x"})
    assert names(tmp_path) == ["step-00000003", "step-00000004"]


def test_a_later_checkpoint_is_not_buried(tmp_path):
    folders.write(tmp_path, 40, {"a": b"x"})
    with pytest.raises(ValueError, match="step-00000040, later than step 30"):
        folders.write(tmp_path, 30, {"a": b"y"})
    assert names(tmp_path) == ["step-00000040"]


def test_a_damaged_later_checkpoint_makes_room(tmp_path):
    folders.write(tmp_path, 20, {"a": b"x"})
    (folders.write(tmp_path, 40, {"a": b"x"}) / "a").write_bytes(b"y")
    with pytest.warns(RuntimeWarning, match="skipped damaged step-00000040"):
        assert folders.latest(tmp_path).name == "step-00000020"
    folders.write(tmp_path, 30, {"a": b"x"}, keep=1)
    assert names(tmp_path) == ["step-00000030"]


def test_nothing_sound_is_an_error_and_not_a_fresh_start(tmp_path):
    (folders.write(tmp_path, 1, {"a": b"x"}) / "a").unlink()
    with pytest.raises(Damaged, match=r"every checkpoint .* step-00000001"):
        folders.latest(tmp_path)
    folders.write(tmp_path, 2, {"a": b"x"})
    with pytest.raises(Damaged, match=r"every checkpoint up to step 1 in .* is damaged: step-00000001"):
        folders.latest(tmp_path, until=1)


@pytest.mark.parametrize("change", ["missing sums", "missing file", "added file", "renamed file", "folder", "empty"])
def test_every_change_to_a_checkpoint_is_seen(tmp_path, change):
    path = folders.write(tmp_path, 1, {"a": b"x", "b": b"y"})
    if change == "missing sums":
        (path / "SHA256SUMS").unlink()
    elif change == "missing file":
        (path / "a").unlink()
    elif change == "added file":
        (path / "c").write_bytes(b"")
    elif change == "renamed file":
        (path / "a").rename(path / "c")
    elif change == "folder":
        (path / "c").mkdir()
    else:
        for file in path.iterdir():
            file.unlink()
        (path / "SHA256SUMS").write_bytes(b"")
    with pytest.raises(Damaged, match=r"step-00000001"):
        folders.read(path)


@pytest.mark.parametrize("size", [0, 65_536, 65_599])
def test_f11_disk_full(tmp_path, size):
    sound = folders.write(tmp_path, 1, {"state.safetensors": b"sound"})
    with file_size_limit(size), pytest.raises(OSError, match="File too large"):
        folders.write(tmp_path, 2, {"state.safetensors": bytes(66_130)})
    assert folders.latest(tmp_path) == sound
    assert names(tmp_path) == ["step-00000001"]


def test_f11_disk_full_on_a_real_file_system(tmp_path):
    with small_disk(tmp_path / "disk", "256k") as disk:
        sound = folders.write(disk, 1, {"state.safetensors": bytes(100_000)})
        with pytest.raises(OSError, match="No space left"):
            folders.write(disk, 2, {"state.safetensors": bytes(200_000)})
        assert folders.latest(disk) == sound
        assert names(disk) == ["step-00000001"]
        (disk / "ballast").write_bytes(bytes(256 * 1024 - 100_000 - 30_000))
        with pytest.raises(OSError, match="No space left"):  # MXNet's own files are cut without an error here
            folders.write(disk, 2, {"state.safetensors": bytes(66_130)})
        assert names(disk) == ["ballast", "step-00000001"]


WRITER = """
import itertools, os, sys
from gluonbook.storage import atomic
from gluonbook.storage import folders
assert "mxnet" not in sys.modules
folder, first = sys.argv[1], int(sys.argv[2])
for step in itertools.count(first):
    folders.write(folder, step, {"state.safetensors": os.urandom(300_000), "notes.txt": b"%d" % step})
    print(step, flush=True)
"""


def test_f12_kill_while_saving(tmp_path):
    # The writer does without MXNet, so fifty of them start in seconds; tests of checkpoints kill the real thing.
    luck, leftovers, written = random.Random(12), 0, 0
    for _ in range(50):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(written + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            reported = int(writer.stdout.readline())
            time.sleep(luck.uniform(0, 0.01))
            writer.kill()
            reported = int(([reported, *writer.stdout.read().split()])[-1])
        path = folders.latest(tmp_path)  # without a warning: a kill leaves nothing that looks like a checkpoint
        written = int(folders.read(path)["notes.txt"])
        assert written >= reported
        leftovers += any(name.startswith(".tmp-") for name in names(tmp_path))
    assert leftovers > 10, "hardly any kill hit a save: the test proves nothing"
    folders.write(tmp_path, written + 1, {"state.safetensors": b""}, keep=1)
    assert names(tmp_path) == [f"step-{written + 1:08d}"]


def test_f13_flips_and_cuts(tmp_path):
    luck = random.Random(13)
    files = {"state.safetensors": luck.randbytes(5000)}
    for trial in range(10_000 if FULL else 1000):
        path = folders.write(tmp_path, trial, files)
        victim = path / luck.choice(names(path))
        data = bytearray(victim.read_bytes())
        if luck.random() < 0.5:
            data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
        else:
            del data[luck.randrange(len(data)) :]
        victim.write_bytes(data)
        with pytest.raises(Damaged):
            folders.read(path)


def test_a_folder_of_checkpoints_may_hold_a_file_that_is_being_replaced(tmp_path, monkeypatch):
    def meanwhile(descriptor):
        monkeypatch.undo()
        folders.write(tmp_path, 1, {"a": b"x"})

    monkeypatch.setattr(atomic.os, "fsync", meanwhile)
    atomic.replace(tmp_path / "metrics.jsonl", b"{}")
    assert names(tmp_path) == ["metrics.jsonl", "step-00000001"]
