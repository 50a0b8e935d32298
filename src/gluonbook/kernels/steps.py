"""The kernels that change weights or momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gluonbook.checks import whole_number
from gluonbook.kernels import bits, hyper, memory
from gluonbook.kernels.form import ApplySigns, MomentumPack, SignumStep
from gluonbook.kernels.forms import by_form
from gluonbook.kernels.memory import Array, Flat, each

_HALF, _SINGLE, _ = memory.FLOATS


def signum_step(
    weight: Array | Sequence[Array],
    grad: Array | Sequence[Array],
    mom: Array | Sequence[Array],
    *,
    lr: float | Sequence[float],
    momentum: float,
    wd: float | Sequence[float] = 0.0,
    wd_lh: float = 0.0,
    rescale_grad: float = 1.0,
    clip_gradient: float | None = None,
    weight32: Array | Sequence[Array | None] | None = None,
) -> None:
    """One step of Signum, in place: the update of `mx.optimizer.Signum` for momentum > 0, in one pass.

        mom    ← momentum·mom − (1 − momentum)·(wd·weight + clip(rescale_grad·grad))
        weight ← (1 − lr·wd_lh)·weight + lr·sign(mom)

    where sign(0) = sign(NaN) = 0 and clip(x) = min(max(x, −clip_gradient), clip_gradient). Float16 and float32 equal
    the operator bit for bit: products of hyper-parameters come first, every operation is rounded to the type of the
    arrays, and hyper-parameters are read as MXNet reads them (`hyper.as_mxnet_reads`). In float64 they keep their
    precision, which the operator rounds to float32.

    With `weight32`, the float32 master copy of the float16 `weight`, this is the multi-precision step: `mom` is
    float32, the formulas change `mom` and `weight32`, and `weight` becomes `weight32` rounded.

    Lists, which should come in the order of the net's layers, may hold each parameter's own `lr` and `wd`, and None
    in `weight32`; parameters that are ready while backward still computes are prepared meanwhile.

    Raises:
        ValueError: arrays of other or different types or shapes, a hyper-parameter outside its range, or lists of
            different lengths. No array is changed then.
    """

    def job(weight: Array, grad: Array, mom: Array, weight32: Array | None, lr: float, wd: float) -> SignumStep:
        options = lr, momentum, wd, wd_lh, rescale_grad, clip_gradient
        return _signum_step(weight, grad, mom, weight32, options)

    checked = each(job, weight, grad, mom, weight32, lr, wd)
    memory.apart(*([own.weight32 or own.weight, own.weight, own.mom] for own in checked))
    for form, jobs in by_form(checked):
        form.signum_step(jobs)


def _signum_step(weight: Array, grad: Array, mom: Array, weight32: Array | None, options: tuple) -> SignumStep:
    w = memory.in_place("weight", weight, memory.FLOATS if weight32 is None else (_HALF,))
    w32 = None if weight32 is None else memory.in_place("weight32", weight32, (_SINGLE,))
    exact = w if w32 is None else w32
    g = memory.flat("grad", grad, (w.dtype,))
    m = memory.in_place("mom", mom, (exact.dtype,))
    memory.same_shape(weight=w, grad=g, mom=m, weight32=exact)
    return SignumStep(w, g, m, w32, hyper.signum(exact.dtype, *options))


def momentum_pack(
    mom: Array | Sequence[Array],
    grad: Array | Sequence[Array],
    *,
    momentum: float,
    rescale_grad: float = 1.0,
    clip_gradient: float | Sequence[float | None] | None = None,
    step: int = 0,
    new: Array | Sequence[Array] | None = None,
    bad: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Renew the momentum, and pack its signs, in one pass: the ballot of a worker in a majority vote.

        mom ← momentum·mom − (1 − momentum)·clip(rescale_grad·grad)
        words of sign(−mom)

    `mom` is minus the momentum, as in `signum_step`, and rounds as there; so −mom points along the gradient, and
    `apply_signs` moves against it. `mom` may be float32 where `grad` is float16. There is no weight decay here: in a
    vote it acts on the weights (`apply_signs`). Lists may hold each gradient's own `clip_gradient`. Where mom is zero
    or NaN, `step` draws the sign, as in `pack`.

    What may yet have to be taken back, as in a vote that other workers can still refuse, goes elsewhere: with `new`,
    arrays like those of `mom`, the new momentum is written there, the same bits, and `mom` stays as it is. And `bad`, a
    numpy array of bool, one a gradient, gets True where NaN or infinity is in the gradient, else False: what
    `nonfinite` says, found in the same pass.

    Returns:
        The words, uint64, in `out` if given.

    Raises:
        ValueError: arrays of other or different types or shapes, a hyper-parameter outside its range, a `step` that is
            no whole number from 0, an `out` that is no array for the words, a `bad` that is none for the marks, or
            lists of different lengths. No array is changed then.
    """
    zeros = bits.lots(whole_number("step", step, 0))

    renew = memory.in_place if new is None else memory.flat

    def checked(
        mom: Array, grad: Array, new: Array | None, clip: float | None
    ) -> tuple[Flat, Flat, Flat | None, hyper.Signum]:
        g = memory.flat("grad", grad)
        m = renew("mom", mom, (g.dtype, _SINGLE) if g.dtype == _HALF else (g.dtype,))
        memory.same_shape(mom=m, grad=g)
        constants = hyper.signum(m.dtype, 0.0, momentum, 0.0, 0.0, rescale_grad, clip)
        if renew is memory.in_place:
            return m, g, None, constants
        fresh = memory.in_place("new", new, (m.dtype,))
        memory.same_shape(mom=m, new=fresh)
        return m, g, fresh, constants

    fields = each(checked, mom, grad, new, clip_gradient)
    memory.apart(*([m, fresh] if fresh else [m] for m, _, fresh, _ in fields))
    sizes = [m.n for m, *_ in fields]
    words = memory.room(out, sizes)
    found = memory.marks("bad", bad, len(fields))
    places = zip(fields, bits.pieces(words, sizes), found)
    for form, jobs in by_form(MomentumPack(*own, zeros, piece, mark) for own, piece, mark in places):
        form.momentum_pack(jobs)
    return words


def apply_signs(
    weight: Array | Sequence[Array],
    words: np.ndarray,
    *,
    lr: float | Sequence[float],
    wd: float | Sequence[float] = 0.0,
) -> None:
    """Move every weight against its sign, in place: weight ← weight − lr·(±1 + wd·weight).

    Each operation of the formula is rounded to the type of the weight, float16 to float32, and the result to the
    weight's type; where `wd` is 0 its term is left out, so that an infinite weight stays infinite. Lists may hold
    each weight's own `lr` and `wd`.

    Raises:
        ValueError: another number of words than the weights need, another type, `lr` or `wd` negative, or lists of
            different lengths. No array is changed then.
    """

    def checked(weight: Array, lr: float, wd: float) -> tuple[Flat, np.floating, np.floating]:
        w = memory.in_place("weight", weight)
        return w, *hyper.signs(_SINGLE if w.dtype == _HALF else w.dtype, lr, wd)

    fields = each(checked, weight, lr, wd)
    memory.apart(*([w] for w, *_ in fields))
    sizes = [w.n for w, *_ in fields]
    pieces = bits.pieces(memory.words("words", words, sizes), sizes)
    for form, jobs in by_form(ApplySigns(*own, piece) for own, piece in zip(fields, pieces)):
        form.apply_signs(jobs)
