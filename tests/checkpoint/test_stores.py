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

from gluonbook import checkpoint
from gluonbook.kvstore import VoteStore
from gluonbook.storage import folders


@final
class Beside(checkpoint.Collective):
    """Rank 1 of two, beside one whose newest steps are known."""

    rank = 1
    num_workers = 2

    def __init__(self, *others):
        self.others = list(others)

    def agree(self, what):
        pass

    def all_gather(self, values):
        return np.stack([self.others.pop(0), values])


def saved(folder, *steps):
    for step in steps:
        folders.write(folder, step, {"a": b"bytes"})
    return folder


def test_a_rank_goes_back_to_what_the_other_has(tmp_path):
    # Each round the other tells the newest step that it has, up to the one agreed on, and how often it has saved.
    assert checkpoint.latest_common(saved(tmp_path, 3, 4), Beside((3, 1), (3, 1))) == tmp_path / "step-00000003"
    assert checkpoint.latest_common(tmp_path / "nothing", Beside((-1, 0))) is None
    with pytest.raises(ValueError, match=r"no step has a checkpoint on every rank; .*, rank 0: 0; rank 1: 2"):
        checkpoint.latest_common(tmp_path, Beside((-1, 0)))


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
