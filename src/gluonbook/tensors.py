"""TensorLy on MXNet, and layers that work afterwards as they did before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mxnet as mx


@contextmanager
def mxnet_tensorly() -> Iterator[None]:
    """Inside, TensorLy computes with MXNet's arrays; afterwards its backend and MXNet's modes are what they were.

        with mxnet_tensorly():
            cores = tensor_train(tl.tensor(X), rank=[1, 3, 3, 1])
            back = tl.to_numpy(tl.tt_to_tensor(cores))

    The first `tensorly.set_backend("mxnet")` of a process calls `mx.npx.set_np()`, and nothing ever takes that back:
    from then on layers of this thread, in a notebook all of them, refuse the arrays of `mx.nd`, and so does all that
    trains with them. And once the mode is off again, TensorLy's MXNet backend fails. So both are switched here, and
    switched back, whatever is raised inside. Take results out as NumPy's. TensorLy's backend is one for all threads,
    MXNet's modes are each thread's own: use this in one thread at a time.

    Raises:
        ModuleNotFoundError: TensorLy is not installed.
        ValueError: the TensorLy that is installed has no backend for MXNet; 0.8.1 was the last to have one.
    """
    try:
        import tensorly
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("TensorLy is not installed: pip install 'tensorly==0.8.1'") from error
    before, shape, array = tensorly.get_backend(), mx.util.is_np_shape(), mx.util.is_np_array()
    try:
        try:
            tensorly.set_backend("mxnet")
        except ValueError as error:
            version = tensorly.__version__
            raise ValueError(f"TensorLy {version} has no backend for MXNet; 0.8.1 was the last to have one") from error
        finally:
            _modes(shape, array)
        with mx.util.np_shape(True), mx.util.np_array(True):
            yield
    finally:
        tensorly.set_backend(before)
        _modes(shape, array)


def _modes(shape: bool, array: bool) -> None:
    """Set MXNet's numpy modes, of shapes and of arrays, for this thread."""
    if array:
        mx.npx.set_np(shape=shape, array=array)
    else:
        mx.npx.reset_np()
        mx.util.set_np_shape(shape)
