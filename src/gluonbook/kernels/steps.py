"""The kernels that change weights or momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gluonbook.checks import whole_number
from gluonbook.kernels import bits, hyper, memory
from gluonbook.kernels.form import ApplySigns, MomentumPack, SignumStep
from gluonbook.kernels.forms import by_form
from gluonbook.kernels.memory import Array

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
    signum_steps(weight, grad, mom, lr, momentum, wd, wd_lh, rescale_grad, clip_gradient, weight32, "[0, inf)")


def signum_steps(
    weight: Array | Sequence[Array],
    grad: Array | Sequence[Array],
    mom: Array | Sequence[Array],
    lr: float | Sequence[float],
    momentum: float,
    wd: float | Sequence[float],
    wd_lh: float,
    rescale_grad: float,
    clip_gradient: float | None,
    weight32: Array | Sequence[Array | None] | None,
    legal: str = "(-inf, inf)",
) -> None:
    """`signum_step`, with `lr` and `wd` in the interval `legal`, as in `hyper.signum`."""
    listed, (weights, grads, moms, copies, lrs, wds) = memory.lists(weight, grad, mom, weight32, lr, wd)
    w, w32 = memory.column("weight", weights, listed, changed=True), None
    if any(copy is not None for copy in copies):
        w32 = memory.column("weight32", copies, listed, (_SINGLE,), changed=True, optional=True)
        memory.must_be_legal(w, (_HALF,), where=~w32.absent)
    exact = w if w32 is None else w32.or_else(w)
    g = memory.column("grad", grads, listed, like=w)
    m = memory.column("mom", moms, listed, like=exact, changed=True)
    memory.same_shape(w, g, m, *([w32] if w32 else []))

    def options(dtype: np.dtype, lr: float, wd: float) -> hyper.Signum:
        return hyper.signum(dtype, lr, momentum, wd, wd_lh, rescale_grad, clip_gradient, legal)

    constants = memory.each(options, listed, exact.dtypes(), lrs, wds)
    memory.apart(w, m, *([w32] if w32 else []))
    for form, job in by_form(SignumStep(w, g, m, w32, constants)):
        form.signum_step(job)


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

    listed, (moms, grads, news, clips) = memory.lists(mom, grad, new, clip_gradient)
    g = memory.column("grad", grads, listed)
    m = memory.column("mom", moms, listed, like=g, wider=True, changed=new is None)
    memory.same_shape(m, g)
    fresh = None
    if new is not None:
        fresh = memory.column("new", news, listed, like=m, changed=True)
        memory.same_shape(m, fresh)

    def options(dtype: np.dtype, clip: float | None) -> hyper.Signum:
        return hyper.signum(dtype, 0.0, momentum, 0.0, 0.0, rescale_grad, clip)

    constants = memory.each(options, listed, m.dtypes(), clips)
    memory.apart(m, *([fresh] if fresh else []))
    words = memory.room(out, m.sizes)
    found = memory.marks("bad", bad, len(m.sizes))
    for form, job in by_form(MomentumPack(m, g, fresh, constants, zeros, words, found)):
        form.momentum_pack(job)
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

    listed, (weights, lrs, wds) = memory.lists(weight, lr, wd)
    w = memory.column("weight", weights, listed, changed=True)
    constants = memory.each(hyper.signs, listed, w.computed_in(), lrs, wds)
    memory.apart(w)
    for form, job in by_form(ApplySigns(w, constants, memory.words("words", words, w.sizes))):
        form.apply_signs(job)
