"""The kernels that change weights or momentum."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from gluonbook.kernels import hyper, memory
from gluonbook.kernels.forms import Step, form_for
from gluonbook.kernels.memory import Array

_HALF, _SINGLE, _DOUBLE = memory.FLOATS


def signum_step(
    weight: Array,
    grad: Array,
    mom: Array,
    *,
    lr: float,
    momentum: float,
    wd: float = 0.0,
    wd_lh: float = 0.0,
    rescale_grad: float = 1.0,
    clip_gradient: float | None = None,
    weight32: Array | None = None,
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

    Raises:
        ValueError: arrays of other or different types or shapes, or a hyper-parameter outside its range.
    """
    signum_steps(
        [weight],
        [grad],
        [mom],
        lr=lr,
        momentum=momentum,
        wd=wd,
        wd_lh=wd_lh,
        rescale_grad=rescale_grad,
        clip_gradient=clip_gradient,
        weights32=[weight32],
    )


def signum_steps(
    weights: Sequence[Array],
    grads: Sequence[Array],
    moms: Sequence[Array],
    *,
    lr: float | Sequence[float],
    momentum: float,
    wd: float | Sequence[float] = 0.0,
    wd_lh: float = 0.0,
    rescale_grad: float = 1.0,
    clip_gradient: float | None = None,
    weights32: Sequence[Array | None] | None = None,
) -> None:
    """The steps of many parameters at once: `signum_step` of each, with its own `lr` and `wd` where these are lists.

    Parameters that are ready while backward still computes are prepared meanwhile, and threads share them all as if
    they were one. They should come in the order of the net's layers; no array may come twice.

    Raises:
        ValueError: as `signum_step`, before any array is changed; or the lists differ in length.
    """
    n = len(weights)
    lrs, wds = ([one] * n if np.isscalar(one) else one for one in (lr, wd))
    columns = (weights, grads, moms, lrs, wds, [None] * n if weights32 is None else weights32)
    if any(len(column) != n for column in columns):
        raise ValueError(f"all lists must be of the same length, got lengths {[len(column) for column in columns]}")
    by_form: dict[ModuleType, list[Step]] = {}
    for weight, grad, mom, lr, wd, weight32 in zip(*columns):
        options = lr, momentum, wd, wd_lh, rescale_grad, clip_gradient
        step = _step(weight, grad, mom, weight32, options)
        form = form_for(weight=weight, grad=grad, mom=mom, weight32=mom if weight32 is None else weight32)
        by_form.setdefault(form, []).append(step)
    for form, steps in by_form.items():
        form.signum_steps(steps)


def _step(weight: Array, grad: Array, mom: Array, weight32: Array | None, options: tuple) -> Step:
    """The step, once its arrays and options are checked."""
    kind = memory.dtype("weight", weight)
    computed = kind if weight32 is None else _SINGLE
    memory.dtype("grad", grad, (kind,))
    memory.dtype("mom", mom, (computed,))
    n = memory.same_shape(weight=weight, grad=grad, mom=mom)
    memory.in_place(weight=weight, mom=mom)
    if weight32 is not None:
        memory.dtype("weight of a step with weight32", weight, (_HALF,))
        memory.dtype("weight32", weight32, (_SINGLE,))
        memory.same_shape(weight=weight, weight32=weight32)
        memory.in_place(weight32=weight32)
    return Step(weight, grad, mom, weight32, hyper.signum(computed, *options), kind, n)


def momentum_pack(
    mom: Array,
    grad: Array,
    *,
    momentum: float,
    rescale_grad: float = 1.0,
    clip_gradient: float | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Renew the momentum in place, and pack its signs, in one pass: the ballot of a worker in a majority vote.

        mom ← momentum·mom − (1 − momentum)·clip(rescale_grad·grad)
        words of sign(−mom)

    `mom` is minus the momentum, as in `signum_step`, and rounds as there; so −mom points along the gradient, and
    `apply_signs` moves against it. `mom` may be float32 where `grad` is float16. There is no weight decay here: in a
    vote it acts on the weights (`apply_signs`).

    Returns:
        ceil(size/64) words, uint64, in `out` if given.

    Raises:
        ValueError: arrays of other or different types or shapes, a hyper-parameter outside its range, or an `out`
            that is no array for the words.
    """
    kind = memory.dtype("grad", grad)
    computed = memory.dtype("mom", mom, (kind, _SINGLE) if kind == _HALF else (kind,))
    memory.same_shape(mom=mom, grad=grad)
    memory.in_place(mom=mom)
    constants = hyper.signum(computed, 0.0, momentum, 0.0, 0.0, rescale_grad, clip_gradient)
    words = memory.room(out, mom.size)
    form_for(mom=mom, grad=grad).momentum_pack(mom, grad, constants, words)
    return words


def apply_signs(weight: Array, words: np.ndarray, *, lr: float, wd: float = 0.0) -> None:
    """Move every weight against its sign, in place: weight ← weight − lr·(±1 + wd·weight).

    Each operation of the formula is rounded to the type of the weight, float16 to float32, and the result to the
    weight's type; where `wd` is 0 its term is left out, so that an infinite weight stays what it is.

    Raises:
        ValueError: another number of words than the weight needs, another type, or `lr` or `wd` negative.
    """
    kind = memory.dtype("weight", weight)
    memory.in_place(weight=weight)
    words = memory.words("words", words, weight.size)
    constants = hyper.signs(_SINGLE if kind == _HALF else kind, lr, wd)
    form_for(weight=weight).apply_signs(weight, words, *constants)
