"""MXNet, asked by compiled code: about all arrays of a list in one call, without holding Python's lock.

`functions` are the addresses that `engine` gathers: functions of MXNet's C API, in the order of the names below, then
of `nothing` and of what an operation is pushed with.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from gluonbook.kernels.compiler import compiled

MOST_AXES = 32  # as in numpy
_DTYPE, _SHAPE, _PUSH, _WAIT, _DATA, _NOTHING, _HOST, _INLINE = range(8)


@compiled
def ask(functions, handles, kinds, shapes, sizes):
    """Write MXNet's number of the type of each array, its number of axes and their lengths, and its number of elements.

    A handle of 0 stands for what is no NDArray, of which nothing is written. Returns 0, or what MXNet returns instead.
    """
    kind, axes, lengths = np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int64)
    for i in range(len(handles)):
        if handles[i] == 0:
            continue
        failed = _call(functions[_DTYPE], (handles[i], kind.ctypes.data))
        if failed == 0:
            failed = _call(functions[_SHAPE], (handles[i], axes.ctypes.data, lengths.ctypes.data))
        if failed != 0:
            return failed
        n = 1
        for axis in range(axes[0]):
            length = _whole_number_at(lengths[0] + 8 * axis)
            n *= length
            if axis < MOST_AXES:
                shapes[i, 1 + axis] = length
        kinds[i], shapes[i, 0], sizes[i] = kind[0], axes[0], n
    return 0


@compiled
def settle(functions, handles, sizes, addresses, first, last):
    """Wait for the arrays of the rows from `first` to `last`, the last of them first, and write where they lie.

    See `engine.settle`. Returns 0, or what MXNet returns instead.
    """
    none, one, failed = np.int32(0), np.int32(1), np.int32(0)
    host, inline = functions[_HOST], functions[_INLINE]
    for row in range(last - 1, first - 1, -1):
        own = handles[row]
        for i in range(len(own) if sizes[row] else 0):
            if own[i] != 0 and failed == 0:
                failed = _call(functions[_WAIT], (own[i],))
        for i in range(len(own) if sizes[row] else 0):
            # One operation each: slices of one array, which have one variable of the engine, would wait for themselves.
            if own[i] != 0 and failed == 0:
                operation = functions[_NOTHING], 0, 0, host, 0, none, own.ctypes.data + 8 * i, one, inline, none, 0
                failed = _call(functions[_PUSH], operation)
        for i in range(len(own) if sizes[row] else 0):
            if own[i] != 0 and failed == 0:
                failed = _call(functions[_WAIT], (own[i],))
        for i in range(len(own) if sizes[row] else 0):
            if own[i] != 0 and failed == 0:
                failed = _call(functions[_DATA], (own[i], addresses[row].ctypes.data + 8 * i))
    return failed


@intrinsic
def _call(typing, address, arguments):
    """What the function of C at an address returns, an int; pointers come as whole numbers of 64 bits."""

    def code(context, builder, signature, args):
        given = cgutils.unpack_tuple(builder, args[1])
        function = ir.FunctionType(ir.IntType(32), [value.type for value in given])
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), given)

    return types.int32(types.intp, arguments), code


@intrinsic
def _whole_number_at(typing, address):
    """The whole number of 64 bits at an address."""

    def code(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()))

    return types.int64(types.intp), code
