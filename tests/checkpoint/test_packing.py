from __future__ import annotations

import itertools
import json

import mxnet as mx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gluonbook.checkpoint.packing import leaves, pack, unpack

CPUS = [mx.cpu(0), mx.cpu(1)]
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
nests = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.integers() | st.text(), inner),
    ),
)


def there_and_back(value, present=None, later=None):
    arrays = {}
    packed = json.loads(json.dumps(pack(value, "here", arrays.__setitem__, CPUS)))
    return unpack(packed, arrays.__getitem__, CPUS, present, later)


@settings(deadline=None)
@given(nests)
def test_nests_survive_with_their_types(value):
    again = there_and_back(value)
    assert again == value
    assert repr(again) == repr(value)  # 1, 1.0 and True are equal, (1,) and [1] look alike in JSON


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64"])
def test_arrays_survive_bit_by_bit_on_their_device(dtype):
    numbers = np.frombuffer(np.random.RandomState(0).bytes(48), dtype=dtype).reshape(2, -1)
    for ctx in CPUS:
        again = there_and_back((mx.nd.array(numbers, dtype=dtype, ctx=ctx), None))[0]
        assert again.context == ctx
        assert (again.dtype, again.asnumpy().tobytes()) == (np.dtype(dtype).type, numbers.tobytes())
    again = there_and_back({"a": numbers.T})["a"]
    assert (again.dtype, again.tobytes()) == (numbers.dtype, numbers.T.tobytes())
    again[:] = 0  # it can be written to
    nothing = there_and_back(numbers[:, :0])
    assert (nothing.dtype, nothing.shape) == (numbers.dtype, (2, 0))
    point = there_and_back(np.array(numbers[0, 0]))
    assert (type(point), point.shape, point.tobytes()) == (np.ndarray, (), numbers[0, 0].tobytes())
    scalar = there_and_back(numbers[0, 0])
    assert (type(scalar), scalar.tobytes()) == (type(numbers[0, 0]), numbers[0, 0].tobytes())


@settings(deadline=None)
@given(nests)
@example({"a/b": 1, "a": {"b": 2}, "a%2Fb": 3, "%61": {"b": 4}})
@example({1: 1, "1": 2, -1: 3, "-1": 4, "%31": 5, "1\n": 6, "": {"": 7}})
def test_no_two_arrays_share_a_name(nest):
    counter = itertools.count()

    def of_arrays(value):
        if isinstance(value, dict):
            return {key: of_arrays(item) for key, item in value.items()}
        return [*map(of_arrays, value)] if isinstance(value, (list, tuple)) else np.array(next(counter))

    value, names = of_arrays(nest), []
    pack(value, "here", lambda name, array: names.append(name), CPUS)
    assert len(names) == len(set(names)) == next(counter)
    assert repr(there_and_back(value)) == repr(value)


def test_a_device_that_is_not_there_is_replaced_by_the_first():
    packed = pack(mx.nd.ones(2, ctx=mx.cpu(1)), "x", lambda name, array: None, CPUS)
    assert unpack(packed, lambda name: np.ones(2), CPUS[:1]).context == mx.cpu(0)
    packed = pack(mx.nd.ones(2, ctx=mx.cpu(5)), "x", lambda name, array: None, CPUS)
    assert unpack(packed, lambda name: np.ones(2), CPUS).context == mx.cpu(0)


def test_objects_change_in_place_and_only_later():
    worn = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=1.0)
    worn(5)
    fresh, later = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=1.0), []
    again = there_and_back({"schedules": [worn]}, present={"schedules": [fresh]}, later=later)
    assert again["schedules"][0] is fresh
    assert fresh.base_lr == 1.0
    for change in later:
        change()
    assert vars(fresh) == vars(worn)


def test_functions_are_left_alone():
    assert there_and_back([len, dict], present=[len, dict]) == [len, dict]


@pytest.mark.parametrize(
    "value",
    [object(), {1.5: 2}, {1, 2}, 1j, mx.nd.ones((2, 2)).tostype("row_sparse"), np.ma.array([1, 2], mask=[0, 1])],
)
def test_what_cannot_be_held_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"top/0 is a .*, which a checkpoint cannot hold exactly"):
        pack([value], "top", lambda name, array: None, CPUS)


@pytest.mark.parametrize(("key", "kind"), [(np.int64(7), "numpy.int64"), (True, "builtins.bool"), (0.5, "float")])
def test_a_key_that_cannot_be_held_is_named(key, kind):
    with pytest.raises(TypeError, match=f"top/a is a dict with the key {key!r}, a .*{kind}, .* must be int or str"):
        pack({"a": {"b": 1, key: 2}}, "top", lambda name, array: None, CPUS)


def test_leaves_have_dotted_places():
    schedule = mx.lr_scheduler.LRScheduler(base_lr=0.5)
    value = {"lr": 0.1, "nest": (None, {3: [True]}), "m": mx.nd.ones(1), "s": schedule, "f": len, "n": np.float32(0.5)}
    found = dict(leaves(pack(value, "x", lambda name, array: None, CPUS), "top"))
    assert found["top.lr"] == 0.1
    assert found["top.nest.0"] is None
    assert found["top.nest.1.3.0"] is True
    assert found["top.s.class"] == "mxnet.lr_scheduler.LRScheduler"
    assert found["top.s.base_lr"] == 0.5
    assert found["top.f"] == "builtins.len"
    assert found["top.n"] == 0.5
    assert not any(place.startswith("top.m") for place in found)
