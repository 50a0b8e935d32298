"""The kernels for CPUs, compiled by numba at the first call and kept, if that can be.

A kernel works on the elements from `start` to `stop` of flat arrays, without holding Python's lock, so that threads
share a long array; `start` is a multiple of 64. float16 comes as its bits in uint16, which numba can compute with.
No kernel is compiled with relaxed arithmetic (`fastmath`): a fused multiply-add would change bits.

It takes nothing from other files that is compiled, or compiled in: see `compiler`.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from gluonbook.kernels.compiler import callback, compiled

BITS = 64
_CHUNK = 2048  # elements that one loop leaves in the nearest cache for the next


@callback(types.void(types.voidptr, types.voidptr))
def nothing(context, argument):
    """An operation for MXNet's engine that does nothing."""


# float16 and its bits


@intrinsic
def _from_half(typing, bits):
    """The float32 of a float16 given by its bits."""

    def code(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), code


@intrinsic
def _to_half(typing, number):
    """The bits of the float16 nearest to a float32, ties to even."""

    def code(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), code


def _wide(stored):
    """A stored element as a number to compute with."""


def _narrow(number, stored):
    """A number in the form of the element `stored`."""


def _sign(number):
    """1, −1, or 0 for zero and NaN, of the type of the number."""


@overload(_wide, inline="always")
def _overload_wide(stored):
    return (lambda stored: _from_half(stored)) if stored == types.uint16 else (lambda stored: stored)


@overload(_narrow, inline="always")
def _overload_narrow(number, stored):
    if stored == types.uint16:
        return lambda number, stored: _to_half(number)
    return lambda number, stored: number


@overload(_sign, inline="always")
def _overload_sign(number):
    kind = {types.float32: np.float32, types.float64: np.float64}[number]
    zero, one = kind(0), kind(1)
    return lambda number: one if number > zero else (-one if number < zero else zero)


@compiled
def _rounded(number, stored):
    """A number as it would be after being stored like `stored`: float16 rounds after every operation."""
    return _wide(_narrow(number, stored))


# 64 signs at a time


@intrinsic
def _word_of(typing, array, index, zeros, negated):
    """The word of the 64 elements from `index`: two vector comparisons, their results taken as integers.

    A bit is 1 where the element, or its negative where `negated`, is more than zero, 0 where it is less, and that of
    `zeros` elsewhere.
    """
    if not isinstance(negated, types.BooleanLiteral):
        return None
    element = array.dtype

    def code(context, builder, signature, args):
        pointer, kind = _vector_at(context, builder, signature, args)
        vector = builder.load(pointer, align=element.bitwidth // 8)
        if element == types.uint16:  # the numbers of float16 above zero are the bits 0x0001 to 0x7C00, below: 0x8001 to
            lowest = [ir.Constant(kind, [first] * BITS) for first in (0x0001, 0x8001)]
            size = ir.Constant(kind, [0x7C00] * BITS)
            above, below = (builder.icmp_unsigned("<", builder.sub(vector, first), size) for first in lowest)
        else:
            zero = ir.Constant(kind, [0.0] * BITS)
            above, below = (builder.fcmp_ordered(comparison, vector, zero) for comparison in "><")
        if negated.literal_value:
            above, below = below, above
        plus, minus = (builder.bitcast(mask, ir.IntType(BITS)) for mask in (above, below))
        return builder.or_(plus, builder.and_(args[2], builder.not_(minus)))

    return types.uint64(array, types.intp, types.uint64, negated), code


@intrinsic
def _spread(typing, array, index, word):
    """Store +1 or −1 in the 64 elements from `index`, by the bits of `word`."""
    element = array.dtype

    def code(context, builder, signature, args):
        pointer, kind = _vector_at(context, builder, signature, args)
        plus, minus = (0x3C00, 0xBC00) if element == types.uint16 else (1.0, -1.0)
        mask = builder.bitcast(args[2], ir.VectorType(ir.IntType(1), BITS))
        signs = builder.select(mask, ir.Constant(kind, [plus] * BITS), ir.Constant(kind, [minus] * BITS))
        builder.store(signs, pointer, align=element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), code


def _vector_at(context, builder, signature, args):
    """Where the 64 elements from the index args[1] of the array args[0] lie, and their type as a vector."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    kind = ir.VectorType(context.get_data_type(signature.args[0].dtype), BITS)
    return builder.bitcast(builder.gep(array.data, [args[1]]), kind.as_pointer()), kind


# The kernels


@compiled
def signum_step(
    start, stop, weight, grad, mom, half, lr, momentum, damping, damped_wd, damped_rescale, rescale, clip, shrink
):
    """See `reference.signum_step`; `half` is the copy of the weight in float16, or None."""
    w, g, m = weight[start:stop], grad[start:stop], mom[start:stop]
    for i in range(len(w)):
        old, like = _wide(w[i]), m[i]
        kept = _rounded(_rounded(momentum * _wide(like), like) - _rounded(damped_wd * old, like), like)
        new = _rounded(kept - _damped(g[i], like, damping, damped_rescale, rescale, clip), like)
        m[i] = _narrow(new, like)
        w[i] = _narrow(_rounded(shrink * old, like) + lr * _sign(new), like)
    if half is not None:
        h = half[start:stop]
        for i in range(len(w)):
            h[i] = _to_half(w[i])


@compiled
def momentum_pack(
    start, stop, mom, grad, words, zeros, lr, momentum, damping, damped_wd, damped_rescale, rescale, clip, shrink
):
    """See `reference.momentum_pack`; `zeros` is the word of the signs that zeros get."""
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        g, m = grad[first:last], mom[first:last]
        for i in range(len(m)):
            like = m[i]
            kept = _rounded(momentum * _wide(like), like)
            m[i] = _narrow(kept - _damped(g[i], like, damping, damped_rescale, rescale, clip), like)
        _pack(first, last, mom, words, zeros, True)


@compiled
def pack(start, stop, x, words, zeros):
    """See `reference.pack`; `zeros` is the word of the signs that zeros get."""
    _pack(start, stop, x, words, zeros, False)


@compiled
def unpack(start, stop, words, signs):
    """See `reference.unpack`."""
    _unpack(start, stop, words, signs, 0)


@compiled
def apply_signs(start, stop, weight, words, lr, wd):
    """See `reference.apply_signs`."""
    signs = np.empty(_CHUNK, weight.dtype)
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        _unpack(first, last, words, signs, first)
        w = weight[first:last]
        if wd == 0:
            for i in range(len(w)):
                w[i] = _narrow(_wide(w[i]) - lr * _wide(signs[i]), w[i])
        else:
            for i in range(len(w)):
                w[i] = _narrow(_wide(w[i]) - lr * (_wide(signs[i]) + wd * _wide(w[i])), w[i])


@compiled
def nonfinite(start, stop, bits, magnitude, infinity, found):
    """See `reference.nonfinite`; numbers come as the signed integers of their bits.

    `magnitude` masks the sign away; what is then as large as `infinity`, is that or NaN.
    """
    b, largest = bits[start:stop], magnitude ^ magnitude
    for i in range(len(b)):
        largest = max(largest, b[i] & magnitude)
    if largest >= infinity:
        found[0] = True


# Their parts


@compiled
def _damped(grad, like, damping, damped_rescale, rescale, clip):
    """What the momentum loses to a gradient, rounded like the momentum `like`."""
    if clip < 0:
        return _rounded(damped_rescale * _wide(grad), like)
    scaled = _rounded(rescale * _wide(grad), like)
    return _rounded(damping * (clip if scaled > clip else (-clip if scaled < -clip else scaled)), like)


@compiled
def _pack(start, stop, x, words, zeros, negated):
    whole = stop - (stop - start) % BITS
    for i in range(start, whole, BITS):
        words[i // BITS] = _word_of(x, i, zeros, numba.literally(negated))
    if whole < stop:
        rest = np.zeros(BITS, x.dtype)
        rest[: stop - whole] = x[whole:stop]
        used = (np.uint64(1) << np.uint64(stop - whole)) - np.uint64(1)
        words[whole // BITS] = _word_of(rest, 0, zeros, numba.literally(negated)) & used


@compiled
def _unpack(start, stop, words, signs, origin):
    """Write the signs from `start` to `stop` to `signs`, which begins with the one at `origin`."""
    whole = stop - (stop - start) % BITS
    for i in range(start, whole, BITS):
        _spread(signs, i - origin, words[i // BITS])
    if whole < stop:
        rest = np.empty(BITS, signs.dtype)
        _spread(rest, 0, words[whole // BITS])
        signs[whole - origin : stop - origin] = rest[: stop - whole]
