"""Functions as operations of MXNet's engine, to hold it up at will."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from mxnet import nd
from mxnet.base import _LIB, check_call

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_HOST = ctypes.byref((ctypes.c_int * 2)(1, 0))  # the engine's Context: type CPU, number 0
_NORMAL, _BESIDE = (ctypes.byref(ctypes.c_int(kind)) for kind in (0, 3))  # its FnProperty: kNormal, kCPUPrioritized


def operation(call: Callable[[], object], *changed: nd.NDArray, beside: bool = False) -> object:
    """Push a function that changes arrays; what is returned must outlive its call.

    It runs in the thread that computes, which does nothing else meanwhile; or in another one, `beside` it.
    """
    function = _FUNCTION(lambda context, argument: call() and None)
    handles, kind = (
        (ctypes.c_void_p * len(changed))(*(array.handle for array in changed)),
        _BESIDE if beside else _NORMAL,
    )
    check_call(_LIB.MXEnginePushSyncND(function, None, None, _HOST, None, 0, handles, len(changed), kind, 0, None))
    return function
