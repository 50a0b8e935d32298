"""Parameters of a Gluon net under the names that PyTorch gives them, out of MXNet and back into it.

Neither function needs PyTorch: both speak of numpy arrays, which safetensors writes and any library reads.

    safetensors.numpy.save_file(state_dict(net), "net.safetensors")                # here
    net.load_state_dict(safetensors.torch.load_file("net.safetensors"))            # there
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn, rnn

# What one library calls gamma, beta and alpha is weight and bias in the other; all other names agree.
_PYTORCH = {"gamma": "weight", "beta": "bias", "alpha": "weight"}
_RENAMED = (nn.BatchNorm, nn.LayerNorm, nn.InstanceNorm, nn.PReLU)
_COUNTER = "num_batches_tracked"  # a counter of PyTorch's batch norm, which MXNet does not keep
_OTHERWISE = (rnn.rnn_layer._RNNLayer, rnn.RecurrentCell)  # they split or order their weights in another way


def state_dict(net: gluon.Block, rename: Mapping[str, str] | None = None) -> dict[str, np.ndarray]:
    """The parameters of `net` by the names of a PyTorch `state_dict`, in the order of the layers.

    A parameter is named by its place in the net, `0.weight` or `features.3.bias`, as PyTorch names those of modules in
    the same places; gamma and beta of a normalization are `weight` and `bias`, its running mean and variance keep their
    names. The shapes are those of PyTorch: (units, inputs) for dense layers, (filters, channels, height, width) for
    convolutions. A scale that batch norm does not use (`scale=False`) is 1, whatever is stored.

    Args:
        net: an initialized net that knows its shapes.
        rename: what PyTorch calls a block, by its place here: {"4": "7", "features": "body"}. The longest place that
            fits counts. Activations are layers of their own in a `torch.nn.Sequential`, and so is flattening, so that
            numbers differ there.

    Raises:
        ValueError: net is no Block, not initialized, or waits for a batch to know its shapes; a recurrent layer, or a
            convolution whose channels come last; a place in `rename` that is not in the net; two names that are one.
    """
    found: dict[str, np.ndarray] = {}
    for name, place, block, parameter in _named(net, rename):
        if name in found:
            raise ValueError(f"two parameters of net would be called {name!r}: see rename")
        try:
            value = parameter.data(parameter.list_ctx()[0]).asnumpy()
        except (RuntimeError, gluon.parameter.DeferredInitializationError) as error:
            what = "show it a batch first" if parameter._deferred_init else "net.initialize(), or load its parameters"
            raise ValueError(f"{place} of net has no values yet: {what}") from error
        found[name] = np.ones_like(value) if _fixed(block, parameter) else value
    return found


def load_state_dict(
    net: gluon.Block, arrays: Mapping[str, np.ndarray], rename: Mapping[str, str] | None = None
) -> None:
    """Give `net` the values of `arrays`, which are named as `state_dict(net, rename)` names them.

    Nothing is changed unless all fit. `net` must be initialized; shapes that wait for a batch are taken from `arrays`.
    A parameter that stands in several places has a name for each of them, and one value.
    Counters of batches (`num_batches_tracked`) are passed over.

    Raises:
        ValueError: as for `state_dict`; a name that is missing or left over; another shape; what is no real number, or
            too large for the parameter's type; a scale that is not 1 for a batch norm that uses none; two values for
            one parameter.
    """
    wanted = list(_named(net, rename))
    names = [name for name, *_ in wanted]
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"arrays lacks {', '.join(missing)}")
    if over := [name for name in arrays if name not in names and name.rpartition(".")[2] != _COUNTER]:
        raise ValueError(f"arrays holds {', '.join(over)}, which net has not; it has {', '.join(names)}")
    values: dict[gluon.Parameter, tuple[str, np.ndarray]] = {}  # of each, and the name that has brought it
    for name, place, block, parameter in wanted:
        if parameter._data is None and not parameter._deferred_init:
            raise ValueError(f"{place} of net is not initialized: net.initialize() first")
        array = np.asarray(arrays[name])
        shape, own = array.shape, parameter.shape
        if len(shape) != len(own) or any(given != n for given, n in zip(shape, own) if n > 0):
            raise ValueError(f"{name} has shape {shape}, and {place} of net {own}")
        value = _converted(name, array, parameter.dtype)
        if _fixed(block, parameter) and not (value == 1).all():
            raise ValueError(f"{name} scales, and {place} of net does not (scale=False): make it with scale=True")
        first, other = values.setdefault(parameter, (name, value))
        if not np.array_equal(value, other, equal_nan=True):
            raise ValueError(f"{name} and {first} are one parameter of net, and arrays has other values for each")
    for parameter, (_, value) in values.items():
        parameter.set_data(mx.nd.array(value, dtype=parameter.dtype))
        if parameter._deferred_init:
            parameter._finish_deferred_init()  # it knows its shape now, and need not wait for a batch


def _named(
    net: gluon.Block, rename: Mapping[str, str] | None
) -> Iterator[tuple[str, str, gluon.Block, gluon.Parameter]]:
    """PyTorch's name, the place, the block and the parameter itself, for all parameters in the order of the layers."""
    if not isinstance(net, gluon.Block):
        raise ValueError(f"net must be a gluon.Block, got a {type(net).__name__}")
    rename = {} if rename is None else rename
    blocks = list(_blocks(net))
    places = {place for place, _ in blocks}
    if unknown := [place for place in rename if place not in places]:
        raise ValueError(
            f"rename speaks of {', '.join(map(repr, unknown))}, and the blocks of net are {sorted(places)}"
        )
    for place, block in blocks:
        if block._reg_params:
            _must_be_alike(place, block)
        for own, parameter in block._reg_params.items():
            there = _PYTORCH.get(own, own) if isinstance(block, _RENAMED) else own
            yield _joined(_renamed(place, rename), there), _joined(place, own), block, parameter


def _blocks(block: gluon.Block, place: str = "") -> Iterator[tuple[str, gluon.Block]]:
    yield place, block
    for name, child in block._children.items():
        yield from _blocks(child, _joined(place, name))


def _renamed(place: str, rename: Mapping[str, str]) -> str:
    """The place with its longest beginning renamed that is in `rename`."""
    parts = place.split(".")
    for length in range(len(parts), 0, -1):
        if (begin := ".".join(parts[:length])) in rename:
            return ".".join([rename[begin], *parts[length:]])
    return place


def _must_be_alike(place: str, block: gluon.Block) -> None:
    kind = type(block).__name__
    if isinstance(block, _OTHERWISE):
        raise ValueError(
            f"{place} of net is a {kind}: recurrent layers keep their weights in another way than PyTorch's"
        )
    if isinstance(block, nn.GroupNorm):
        raise ValueError(f"{place} of net is a {kind}, which scales groups, and PyTorch's scales channels")
    layout = getattr(block, "_kwargs", {}).get("layout", "NC")
    if isinstance(layout, str) and not layout.startswith("NC"):
        raise ValueError(f"{place} of net is a {kind} of layout {layout}; PyTorch's filters have their channels first")


def _converted(name: str, array: np.ndarray, dtype: str | type) -> np.ndarray:
    """The array in a parameter's type, for which no number may be too large."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, of a type such as float32, got {array.dtype}")
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if (lost := np.isfinite(array) & ~np.isfinite(converted)).any():
        raise ValueError(f"{name} holds {array[lost][0]}, which {converted.dtype} cannot hold")
    return converted


def _fixed(block: gluon.Block, parameter: gluon.Parameter) -> bool:
    """Whether this is a scale that batch norm takes for 1, whatever is stored."""
    return isinstance(block, nn.BatchNorm) and block._kwargs["fix_gamma"] and parameter is block.gamma


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)
