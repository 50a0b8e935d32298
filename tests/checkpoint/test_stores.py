"""What checkpoints ask of a store. Real ranks are in `tests/kvstore/test_store_faults.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import final

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon
from threads import ranks

from gluonbook import checkpoint
from gluonbook.kvstore import MeanStore, VoteStore
from gluonbook.storage import folders


@final
class Beside(checkpoint.Collective):
    """The last of some ranks, beside others that all say the same, in turn."""

    rank = num_workers = 0

    def __init__(self, *others, num_workers=2):
        self.others, self.num_workers, self.rank = list(others), num_workers, num_workers - 1

    def agree(self, what):
        pass

    def accept(self, optimizer):
        pass

    def all_gather(self, values):
        return np.stack([*[self.others.pop(0)] * self.rank, values])


def saved(folder, *steps):
    for step in steps:
        folders.write(folder, step, {"a": b"bytes"})
    return folder


SAME = (0,)  # what another rank says that has found no checkpoints of another number of ranks


def test_a_rank_goes_back_to_what_the_other_has(tmp_path):
    # Each round the other tells the newest step that it has, up to the one agreed on, and how often it has saved.
    own = saved(tmp_path / "rank-1", 3, 4)
    assert checkpoint.latest_common(tmp_path, Beside(SAME, (3, 1), (3, 1))) == own / "step-00000003"
    assert checkpoint.latest_common(tmp_path / "nothing", Beside(SAME, (-1, 0))) is None
    with pytest.raises(ValueError, match=r"no step has a checkpoint on every rank; .*, rank 0: 0; rank 1: 2"):
        checkpoint.latest_common(tmp_path, Beside(SAME, (-1, 0)))


def on_two(*roots):
    """What each of two ranks finds, or raises, whose run is in a folder of its own machine."""

    def found(link):
        try:
            return checkpoint.latest_common(roots[link.rank], MeanStore(link))
        except (ValueError, RuntimeError, OSError) as error:
            return error

    return ranks(2, found)


def test_what_is_damaged_on_one_rank_is_raised_on_all(tmp_path):
    """Step 20 is sound, but the other has only step 10."""
    own = saved(tmp_path / "rank-0", 10, 20)
    saved(tmp_path / "rank-1", 10)
    (own / "step-00000010" / "a").write_bytes(b"other")
    mine, its = on_two(tmp_path, tmp_path)
    assert isinstance(mine, checkpoint.Damaged)
    assert "every checkpoint up to step 10 in" in str(mine) and "is damaged: step-00000010" in str(mine)
    assert isinstance(its, ValueError) and "rank 0: Damaged: every checkpoint up to step 10" in str(its)


def test_what_cannot_be_read_on_one_rank_is_raised_on_all(tmp_path):
    (tmp_path / "there").touch()
    its, mine = on_two(tmp_path / "here", tmp_path / "there")
    assert isinstance(mine, checkpoint.StorageError) and "there cannot be read" in str(mine)
    assert isinstance(its, ValueError) and "rank 1: StorageError: " in str(its)


def of_ranks(count):
    """A trainer's store of so many ranks, as seen by the last of them."""
    return None if count == 1 else Beside((0,), num_workers=count)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("then", "now"), [(1, 2), (2, 1), (2, 3), (3, 2), (1, 4), (4, 1)])
@pytest.mark.parametrize("damaged", [False, True])
def test_another_number_of_ranks_is_refused_and_nothing_is_deleted(tmp_path, then, now, damaged):
    """Whatever this rank can see of the others' folders, and though some of their checkpoints are damaged."""
    net = gluon.nn.Dense(1, in_units=1)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", kvstore=of_ranks(then), update_on_kvstore=False)
    path = checkpoint.save(checkpoint.own_folder(tmp_path, of_ranks(then)), net, trainer, step=1, epoch=0)
    if damaged:
        (path / "SHA256SUMS").unlink()
    (tmp_path / "rank-0.log").touch()  # not ours
    before = files(tmp_path)
    with pytest.raises(ValueError, match=f"had num_workers={then}, and this one has num_workers={now}"):
        checkpoint.latest_common(tmp_path, of_ranks(now))
    assert files(tmp_path) == before


def test_a_rank_that_sees_nothing_hears_it_from_another(tmp_path):
    with pytest.raises(ValueError, match="had num_workers=3, and this one has num_workers=2"):
        checkpoint.latest_common(tmp_path, Beside((3,)))
    assert not list(tmp_path.iterdir())


def test_ranks_that_cannot_talk_have_no_common_checkpoints(monkeypatch):
    monkeypatch.setenv("DMLC_NUM_WORKER", "2")
    with pytest.raises(ValueError, match="2 ranks with MXNet's store 'dist_sync' cannot agree on checkpoints"):
        checkpoint.own_folder("run", "dist_sync")
    assert checkpoint.own_folder("run", "device") == Path("run")


def test_one_of_several_ranks_has_a_folder_of_its_own():
    assert checkpoint.own_folder("run", Beside()) == Path("run/rank-1")
    for store in (None, "local", mx.kv.create("local"), VoteStore()):
        assert checkpoint.own_folder("run", store) == Path("run")


def test_the_store_is_what_the_trainer_was_given():
    net, store = gluon.nn.Dense(1, in_units=1), VoteStore()
    net.initialize()
    for given in (None, "device", store):
        assert checkpoint.store_of(gluon.Trainer(net.collect_params(), "sgd", kvstore=given)) is given


def test_checkpoints_and_training_load_no_store_and_no_compiler():
    script = """
import sys, gluonbook.training, gluonbook.checkpoint
print(sorted(name for name in sys.modules if name.startswith("gluonbook.kvstore") or name == "numba"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
