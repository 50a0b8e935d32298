"""The vote for CPUs: votes counted in binary, many at a time; see `native` for how it is called and compiled."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gluonbook.kernels.compiler import compiled

BITS = 64
_WIDE = 32  # words of a ballot that a vote counts together
_GROUP = 8  # ballots that enter a count at once
_DIGITS = 14  # binary digits of a count of up to 4096 votes and of its offset


@compiled
def vote(start, stop, addresses, result, digits, offset, ties):
    """See `reference.vote`; `addresses` says where the ballots lie.

    Votes are counted in binary, 64 counts at a time: digit k of all counts is a word, and a full adder takes five
    bitwise operations. Eight ballots at once enter at digit 0, and a carry waits for another of its weight (a
    carry-save adder, as Harley and Seal count bits). Counts begin at an `offset`, one higher where `ties` has a bit,
    such that the topmost digit is 1 just where a majority is reached.
    """
    slots = np.zeros((2 * _DIGITS + 2, _WIDE), np.uint64)
    group = np.empty(_GROUP, np.intp)
    whole = stop - (stop - start) % _WIDE
    for i in range(start, whole, _WIDE):
        _count(addresses, i, result, digits, offset, ties, slots, group, _WIDE)
    for i in range(whole, stop):
        _count(addresses, i, result, digits, offset, ties, slots, group, 1)


@compiled
def _count(addresses, i, result, digits, offset, ties, slots, group, width):
    """Count the votes of `width` words from word i, and write their majority.

    Row k of `slots` holds digit k of the counts, row _DIGITS + k a carry of weight 2^k that waits for another, and
    the last two rows the carry in hand and zeros; `group` is room for the addresses of eight ballots.
    """
    size = 8 * _WIDE
    counts = slots.ctypes.data
    waiting = counts + _DIGITS * size
    carry = waiting + _DIGITS * size
    zeros = carry + size
    for k in range(max(digits, 3)):
        first = ~ties if offset >> k & 1 else np.uint64(0)
        if offset + 1 >> k & 1:
            first |= ties
        _fill(counts + k * size, first, numba.literally(width))
    groups = (len(addresses) + _GROUP - 1) // _GROUP
    for number in range(groups):
        for j in range(_GROUP):
            ballot = number * _GROUP + j
            group[j] = addresses[ballot] + 8 * i if ballot < len(addresses) else zeros
        k = 3
        to = carry if number & 1 else waiting + k * size
        _add_eight(counts, size, group.ctypes.data, to, numba.literally(width))
        while number >> (k - 3) & 1:  # a carry of weight 2^k waits already
            to = carry if number >> (k - 2) & 1 else waiting + (k + 1) * size
            _full_adder(counts + k * size, waiting + k * size, carry, to, numba.literally(width))
            k += 1
    in_hand = zeros
    for k in range(3, digits):
        another = waiting + k * size if groups >> (k - 3) & 1 else zeros
        _full_adder(counts + k * size, another, in_hand, carry, numba.literally(width))
        in_hand = carry
    _copy(result.ctypes.data + 8 * i, counts + (digits - 1) * size, numba.literally(width))


@intrinsic
def _full_adder(typing, count, x, y, carry, width):
    """Add the words at the addresses x and y to those at `count`, bit by bit, and store the carries."""
    if not isinstance(width, types.IntegerLiteral):
        return None

    def code(context, builder, signature, args):
        c, a, b = (_words(builder, address, width) for address in args[:3])
        total, carries = _sum(builder, *(builder.load(words, align=8) for words in (c, a, b)))
        builder.store(total, c, align=8)
        builder.store(carries, _words(builder, args[3], width), align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, width), code


@intrinsic
def _add_eight(typing, counts, size, ballots, carry, width):
    """Add eight words each to counts, bit by bit, and store the carries, of weight 8; all within registers.

    `counts` is the address of the digits of weight 1, `size` bytes before those of 2, and so on; at the address
    `ballots` stand the addresses of the words.
    """
    if not isinstance(width, types.IntegerLiteral):
        return None

    def code(context, builder, signature, args):
        one = args[0]
        two = builder.add(one, args[1])
        places = [_words(builder, address, width) for address in (one, two, builder.add(two, args[1]))]
        ones, twos, fours = (builder.load(place, align=8) for place in places)
        table = builder.inttoptr(args[2], ir.IntType(BITS).as_pointer())
        ballots = [builder.load(builder.gep(table, [ir.Constant(ir.IntType(32), k)])) for k in range(_GROUP)]
        loaded = [builder.load(_words(builder, address, width), align=8) for address in ballots]
        carried = []
        for k in range(0, _GROUP, 4):
            ones, first = _sum(builder, ones, *loaded[k : k + 2])
            ones, second = _sum(builder, ones, *loaded[k + 2 : k + 4])
            twos, carry = _sum(builder, twos, first, second)
            carried.append(carry)
        fours, carries = _sum(builder, fours, *carried)
        for digits, place in zip((ones, twos, fours), places):
            builder.store(digits, place, align=8)
        builder.store(carries, _words(builder, args[3], width), align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, width), code


@intrinsic
def _fill(typing, to, word, width):
    """Store the same word `width` times from an address on."""
    if not isinstance(width, types.IntegerLiteral):
        return None

    def code(context, builder, signature, args):
        first = builder.bitcast(args[1], ir.VectorType(ir.IntType(BITS), 1))
        same = ir.Constant(ir.VectorType(ir.IntType(32), width.literal_value), [0] * width.literal_value)
        words = builder.shuffle_vector(first, first, same)
        builder.store(words, _words(builder, args[0], width), align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.uint64, width), code


@intrinsic
def _copy(typing, to, words, width):
    """Copy words from one address to another."""
    if not isinstance(width, types.IntegerLiteral):
        return None

    def code(context, builder, signature, args):
        loaded = builder.load(_words(builder, args[1], width), align=8)
        builder.store(loaded, _words(builder, args[0], width), align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, width), code


def _words(builder, address, width):
    """A pointer to `width` words as a vector."""
    return builder.inttoptr(address, ir.VectorType(ir.IntType(BITS), width.literal_value).as_pointer())


def _sum(builder, c, a, b):
    """A full adder: the sum of three bits, and the carry."""
    differ = builder.xor(a, b)
    return builder.xor(c, differ), builder.or_(builder.and_(a, b), builder.and_(c, differ))
