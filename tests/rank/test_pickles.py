"""What a server unpickles, and what it refuses (F9, F17)."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.optimizer import Optimizer

import gluonbook.optimizers
from gluonbook.optimizers import Lion, Partition
from gluonbook.rank import pickles

OURS = [getattr(gluonbook.optimizers, name) for name in gluonbook.optimizers.__all__ if name != "Partition"]
MXNETS = [kind for kind in Optimizer.opt_registry.values() if kind.__module__.startswith("mxnet")]
PROTOCOLS = range(5)  # MXNet sends protocol 0


@pytest.mark.parametrize("kind", [*OURS, *MXNETS], ids=lambda kind: kind.__name__)
def test_every_optimizer_passes(kind):
    schedule = mx.lr_scheduler.CosineScheduler(100, base_lr=0.5)
    sent = kind(learning_rate=0.25, wd=np.float32(0.5), param_idx2name={0: "weight"}, lr_scheduler=schedule)
    for protocol in PROTOCOLS:
        got = pickles.loads(pickle.dumps(sent, protocol))
        assert type(got) is kind
        assert (got.wd, got.idx2name) == (np.float32(0.5), {0: "weight"})
        assert got.lr_scheduler.base_lr == schedule.base_lr


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_partition_passes_with_its_parts_and_labels(protocol):
    sent = Partition({"a": Lion(0.25), "b": mx.optimizer.SGD(momentum=0.5)}, lambda name: name[0])
    sent.param_dict = {i: mx.gluon.Parameter(name) for i, name in enumerate(("a_weight", "b_bias"))}
    got = pickles.loads(pickle.dumps(sent, protocol))
    assert (got.labels, got.optimizers["b"].momentum, got.learning_rate) == ({0: "a", 1: "b"}, 0.5, 0.25)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_passes(protocol):
    sent = mx.optimizer.SGD()
    sent.kept = [np.arange(3.0), np.dtype("f2"), b"\xff", {1}, 1j, mx.cpu(1), {"a": (None, True)}]
    got = pickles.loads(pickle.dumps(sent, protocol)).kept
    assert got[0].tolist() == [0, 1, 2]
    assert got[1:] == sent.kept[1:]


class Calls:
    """Pickles to a call, which happens when it is unpickled."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(folder) -> dict[str, bytes]:
    payload = f"open({str(folder / 'payload')!r}, 'w').close()"
    file = str(folder / "payload")
    optimizer = mx.optimizer.SGD()
    optimizer.hidden = Calls(exec, payload)
    return {
        "exec": pickle.dumps(Calls(exec, payload), 0),
        "inside an optimizer": pickle.dumps(optimizer, 0),
        "through what mxnet imports": b"\x80\x04\x8c\x0bmxnet.image\x8c\x09os.system\x93\x8c\x05touch\x85R.",
        "a function of mxnet": pickle.dumps(Calls(mx.test_utils.list_gpus), 4),
        "a class of mxnet that opens files": pickle.dumps(Calls(mx.recordio.MXRecordIO, file, "w"), 4),
        "a function of numpy": pickle.dumps(Calls(np.save, file, 1), 4),
        "the imports of a module": b"cmxnet.optimizer.optimizer\nos\n.",
        "getattr": pickle.dumps(Calls(getattr, "a", "upper"), 0),
        "a codec": pickle.dumps(Calls(sys.modules["_codecs"].encode, "a", "rot13"), 0),
        "a module that is not imported": b"cgluonbook.book.__main__\nmain\n)R.",
    }


def test_the_payload_works_on_an_open_door(tmp_path):
    pickle.loads(hostile(tmp_path)["exec"])
    assert (tmp_path / "payload").exists()


@pytest.mark.parametrize("name", hostile(Path("anywhere")))
def test_hostile_pickles_are_refused(tmp_path, name):
    with pytest.raises(pickles.Refused, match="the server does not"):
        pickles.loads(hostile(tmp_path)[name])
    assert not (tmp_path / "payload").exists()


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(pickles.Refused, match="takes an optimizer, and this pickle holds dict"):
        pickles.loads(pickle.dumps({"learning_rate": 1}))


def test_a_class_of_ones_own(monkeypatch):
    module = types.ModuleType("my_optimizers")
    kind = type("Mine", (mx.optimizer.SGD,), {"__module__": "my_optimizers"})
    module.Mine = kind
    monkeypatch.setitem(sys.modules, "my_optimizers", module)
    with pytest.raises(pickles.Refused, match=r"my_optimizers.Mine: legal are .* start with --trust my_optimizers"):
        pickles.refuse_unsendable(kind())
    monkeypatch.setenv(pickles.TRUST, "other,my_optimizers")
    pickles.refuse_unsendable(kind())
    with pytest.raises(pickles.Refused, match="is trusted, but does not define it"):
        pickles.loads(b"cmy_optimizers\nOther\n.", ["my_optimizers"])


def test_f9_a_class_of_the_script_itself(monkeypatch):
    kind = type("Mine", (mx.optimizer.SGD,), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Mine", kind, raising=False)
    with pytest.raises(pickles.Refused, match=r"defined in the script itself.* put it into a module of its own"):
        pickles.refuse_unsendable(kind())
