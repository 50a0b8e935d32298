"""The kernels for CPUs, compiled by numba at the first call and kept, if that can be.

A kernel works on all elements from `start` to `stop` of a list of flat arrays, counted as if they were one, without
holding Python's lock, so that threads share them; `start` is a multiple of 64. `rows` says where they lie: see
`views.Rows`. float16 comes as its bits in uint16, which numba can compute with. No kernel is compiled with relaxed
arithmetic (`fastmath`): a fused multiply-add would change bits.

It takes nothing from other files that is compiled, or compiled in: see `compiler`.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

from gluonbook.kernels.compiler import callback, compiled

BITS = 64
_CHUNK = 2048  # elements that one loop leaves in the nearest cache for the next
_LINE = 64  # bytes of a cache line


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
        pointer, kind = _vector_at(context, builder, array, *args[:2])
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
        pointer, kind = _vector_at(context, builder, array, *args[:2])
        plus, minus = (0x3C00, 0xBC00) if element == types.uint16 else (1.0, -1.0)
        mask = builder.bitcast(args[2], ir.VectorType(ir.IntType(1), BITS))
        signs = builder.select(mask, ir.Constant(kind, [plus] * BITS), ir.Constant(kind, [minus] * BITS))
        builder.store(signs, pointer, align=element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), code


@intrinsic
def _past_caches(typing, out, index, chunk):
    """Store the 64 elements of `chunk` from `index` at the same place of `out`, where a cache line begins."""

    def code(context, builder, signature, args):
        to, _ = _vector_at(context, builder, out, *args[:2])
        source, _ = _vector_at(context, builder, chunk, args[2], args[1])
        stored = builder.store(builder.load(source, align=chunk.dtype.bitwidth // 8), to, align=_LINE)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(out, types.intp, chunk), code


@intrinsic
def _fence(typing):
    """Stores past the caches, which no lock of another thread waits for, come before what follows."""

    def code(context, builder, signature, args):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), code


def _vector_at(context, builder, kind, array, index):
    """Where the 64 elements from an index of an array of this kind lie, and their type as a vector."""
    data = context.make_array(kind)(context, builder, array).data
    vector = ir.VectorType(context.get_data_type(kind.dtype), BITS)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer()), vector


# Where arrays lie


@compiled
def _touched(start, stop, rows):
    """The first row, and the one after the last, of which a range of all elements has some."""
    origin, begins, _, _ = rows
    low = origin
    while begins[low + 1] - begins[origin] <= start:
        low += 1
    high = low + 1
    while high + 1 < len(begins) and begins[high] - begins[origin] < stop:
        high += 1
    return low, high


@compiled
def _share(start, stop, rows, row):
    """Which elements of a row a range of all elements has."""
    origin, begins, sizes, _ = rows
    before = begins[row] - begins[origin]
    return max(start - before, 0), min(stop - before, sizes[row])


@compiled
def _array(rows, row, column, like):
    """The array of a row and a column, of the type of `like`."""
    _, _, sizes, addresses = rows
    return _elements(addresses[row, column], sizes[row], like)


@compiled
def _words(rows, row, words):
    """The words of a row: each row begins with a new one."""
    _, begins, _, _ = rows
    return words[begins[row] // BITS :]


@intrinsic
def _elements(typing, address, n, like):
    """The n elements from an address, of the type of those of `like`, as an array."""

    def code(context, builder, signature, args):
        array = context.make_array(signature.return_type)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(like.dtype)))
        data = builder.inttoptr(args[0], array.data.type)
        populate_array(array, data=data, shape=[args[1]], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return types.Array(like.dtype, 1, "C")(types.intp, types.intp, like), code


# The kernels. `own` and the like are empty arrays of the type of what they stand for; `which` says which row of a table
# of constants belongs to a row.


@compiled
def signum_step(start, stop, rows, exact, grad, half, which, constants):
    """See `reference.signum_step`; the columns are weight, grad, mom, and, unless `half` is None, the weight's copy."""
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        first, last = _share(start, stop, rows, row)
        w, m = _array(rows, row, 0, exact)[first:last], _array(rows, row, 2, exact)[first:last]
        g, c = _array(rows, row, 1, grad)[first:last], constants[which[row]]
        lr, momentum, damping, damped_wd = c[0], c[1], c[2], c[3]
        damped_rescale, rescale, clip, shrink = c[4], c[5], c[6], c[7]
        for i in range(len(w)):
            old, like = _wide(w[i]), m[i]
            kept = _rounded(_rounded(momentum * _wide(like), like) - _rounded(damped_wd * old, like), like)
            new = _rounded(kept - _damped(g[i], like, damping, damped_rescale, rescale, clip), like)
            m[i] = _narrow(new, like)
            w[i] = _narrow(_rounded(shrink * old, like) + lr * _sign(new), like)
        if half is not None:
            h = _array(rows, row, 3, half)[first:last]
            for i in range(len(w)):
                h[i] = _to_half(w[i])


@compiled
def momentum_pack(start, stop, rows, exact, grad, elsewhere, words, zeros, search, which, constants):
    """See `reference.momentum_pack`; the columns are mom and grad, and where the new momentum goes, if `elsewhere`.

    `zeros` is the word of the signs that zeros get; `search` is None, or what `_look_through` takes for `grad`.
    """
    fresh = np.empty(_CHUNK, exact.dtype)
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        begin, end = _share(start, stop, rows, row)
        mom, gradient, ballot = _array(rows, row, 0, exact), _array(rows, row, 1, grad), _words(rows, row, words)
        new, c = _array(rows, row, 2 if elsewhere else 0, exact), constants[which[row]]
        momentum, damping, damped_rescale, rescale, clip = c[1], c[2], c[4], c[5], c[6]
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            if search is not None:
                _look_through(first, last, rows, row, 1, search)
            g, m = gradient[first:last], mom[first:last]
            if elsewhere:
                for i in range(len(m)):
                    fresh[i] = _renewed(m[i], g[i], momentum, damping, damped_rescale, rescale, clip)
                _pack(first, last, fresh, first, ballot, zeros, True)
                _stream(fresh, new[first:last])
            else:
                for i in range(len(m)):
                    m[i] = _renewed(m[i], g[i], momentum, damping, damped_rescale, rescale, clip)
                _pack(first, last, mom, 0, ballot, zeros, True)
    if elsewhere:
        _fence()


@compiled
def pack(start, stop, rows, own, words, zeros, search):
    """See `reference.pack`; `zeros` is the word of the signs that zeros get, `search` as in `momentum_pack`."""
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        begin, end = _share(start, stop, rows, row)
        x, ballot = _array(rows, row, 0, own), _words(rows, row, words)
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            if search is not None:
                _look_through(first, last, rows, row, 0, search)
            _pack(first, last, x, 0, ballot, zeros, False)


@compiled
def unpack(start, stop, rows, own, words):
    """See `reference.unpack`."""
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        first, last = _share(start, stop, rows, row)
        _unpack(first, last, _words(rows, row, words), _array(rows, row, 0, own), 0)


@compiled
def apply_signs(start, stop, rows, own, words, which, constants):
    """See `reference.apply_signs`; the constants are lr and wd."""
    signs = np.empty(_CHUNK, own.dtype)
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        begin, end = _share(start, stop, rows, row)
        weight, ballot = _array(rows, row, 0, own), _words(rows, row, words)
        lr, wd = constants[which[row], 0], constants[which[row], 1]
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            _unpack(first, last, ballot, signs, first)
            w = weight[first:last]
            if wd == 0:
                for i in range(len(w)):
                    w[i] = _narrow(_wide(w[i]) - lr * _wide(signs[i]), w[i])
            else:
                for i in range(len(w)):
                    w[i] = _narrow(_wide(w[i]) - lr * (_wide(signs[i]) + wd * _wide(w[i])), w[i])


@compiled
def nonfinite(start, stop, rows, search):
    """See `reference.nonfinite`."""
    low, high = _touched(start, stop, rows)
    for row in range(low, high):
        first, last = _share(start, stop, rows, row)
        _look_through(first, last, rows, row, 0, search)


# Their parts


@compiled
def _look_through(start, stop, rows, row, column, search):
    """Note in `found` NaN or infinity among some elements, which come as the signed integers of their bits.

    `magnitude` masks the sign away; what is then as large as `infinity`, is that or NaN.
    """
    own, magnitude, infinity, found = search
    b, largest = _array(rows, row, column, own)[start:stop], magnitude ^ magnitude
    for i in range(len(b)):
        largest = max(largest, b[i] & magnitude)
    if largest >= infinity:
        found[row] = True


@compiled
def _renewed(mom, grad, momentum, damping, damped_rescale, rescale, clip):
    """The element of the momentum after `mom`."""
    kept = _rounded(momentum * _wide(mom), mom)
    return _narrow(kept - _damped(grad, mom, damping, damped_rescale, rescale, clip), mom)


@compiled
def _damped(grad, like, damping, damped_rescale, rescale, clip):
    """What the momentum loses to a gradient, rounded like the momentum `like`."""
    if clip < 0:
        return _rounded(damped_rescale * _wide(grad), like)
    scaled = _rounded(rescale * _wide(grad), like)
    return _rounded(damping * (clip if scaled > clip else (-clip if scaled < -clip else scaled)), like)


@compiled
def _pack(start, stop, x, origin, words, zeros, negated):
    """Write the words of the elements from `start` to `stop` of `x`, which begins with the one at `origin`."""
    whole = stop - (stop - start) % BITS
    for i in range(start, whole, BITS):
        words[i // BITS] = _word_of(x, i - origin, zeros, numba.literally(negated))
    if whole < stop:
        rest = np.zeros(BITS, x.dtype)
        rest[: stop - whole] = x[whole - origin : stop - origin]
        used = (np.uint64(1) << np.uint64(stop - whole)) - np.uint64(1)
        words[whole // BITS] = _word_of(rest, 0, zeros, numba.literally(negated)) & used


@compiled
def _stream(chunk, out):
    """Write the beginning of a chunk to `out`, past the caches: nobody reads it soon, nor are lines read to be changed.

    What comes before the first whole cache line, and after the last, is written as usual; so is what lies between two
    elements' places.
    """
    begin = min(-out.ctypes.data % _LINE // out.itemsize, len(out))
    if out.ctypes.data % out.itemsize:
        begin = len(out)
    end = begin + (len(out) - begin) // BITS * BITS
    out[:begin] = chunk[:begin]
    for i in range(begin, end, BITS):
        _past_caches(out, i, chunk)
    out[end:] = chunk[end : len(out)]


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
