"""The exercises of `gluon/hybridize`."""

from __future__ import annotations

from typing import Callable, final

import numpy as np
from mxnet import autograd, gluon, nd

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

Block = Callable[..., gluon.HybridBlock]

_WRONG_SHAPE = "The result has the shape of the input, {}; {}, yours has {}."


def _both_lives(make: Callable[[], gluon.HybridBlock], x: nd.NDArray) -> dict[str, nd.NDArray]:
    """What a fresh block makes of x, imperatively and then hybridized; raises a Hint where it is no block."""
    net = make()
    if not isinstance(net, gluon.HybridBlock):
        raise Hint(f"Hand in the class, a HybridBlock; calling it gave a {type(net).__name__}.")
    net.initialize()
    imperative = net(x)
    if not isinstance(imperative, nd.NDArray):
        raise Hint(f"hybrid_forward must return an array; it returned a {type(imperative).__name__}.")
    net.hybridize()
    try:
        hybrid = net(x)
    except Exception as error:
        raise Hint(f"Fine imperatively. Hybridized it raises {type(error).__name__}: {error}") from error
    return {"imperatively": imperative, "hybridized": hybrid}


exercises.add(
    Number(
        "trace-count",
        2,
        [
            Mistake(1, hint="Nearly. What happens to the old graph when hybridize is called again?"),
            Mistake(
                3, hint="Does a batch of another size, or a recording, need a new trace? The chapter has measured it."
            ),
            Mistake(6, hint="That would be the imperative count. A trace serves many calls."),
        ],
        otherwise="Count the traces: when is there no graph yet, so that the Python must run?",
    )
)


@final
class SoftThreshold(gluon.HybridBlock):
    def __init__(self, width):
        super().__init__()
        self.width = width

    def hybrid_forward(self, F, x):
        return F.sign(x) * F.relu(F.abs(x) - self.width)


def _thresholded(answer: Block, width: float, x: nd.NDArray) -> dict[str, nd.NDArray]:
    return _both_lives(lambda: answer(width), x)


def _where_it_differs(part: str, width: float, x: nd.NDArray, given: nd.NDArray, right: nd.NDArray) -> str:
    if given.shape != right.shape:
        return _WRONG_SHAPE.format(x.shape, part, given.shape)
    wrong = ~np.isclose(given.asnumpy(), right.asnumpy(), atol=1e-6)
    at = tuple(np.argwhere(wrong)[0])
    return (
        f"With width {width:g}, {x[at].asscalar():g} becomes {right[at].asscalar():g}; "
        f"{part}, yours makes it {given[at].asscalar():g}."
    )


exercises.add(
    Tried(
        "soft-threshold",
        SoftThreshold,
        lambda: [(width, nd.array([[-3.0, -0.5, 0.2], [2.0, 1.0, 0.0]])) for width in (1.0, 0.25)],
        otherwise=_where_it_differs,
        trial=_thresholded,
        atol=1e-6,
    )
)


@final
class Noisy(gluon.HybridBlock):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def hybrid_forward(self, F, x):
        return x + self.scale * F.random.normal_like(data=x)


@exercises.judged("fresh-noise", right=Noisy)
def fresh_noise(noisy: Block) -> None:
    x = nd.full((200, 50), 3.0)
    for how, y in _both_lives(lambda: noisy(0.5), x).items():
        if y.shape != x.shape:
            raise Hint(_WRONG_SHAPE.format(x.shape, how, y.shape))
        noise = (y - x).asnumpy()
        if np.ptp(noise) < 1e-6:
            raise Hint(f"Every entry gets a number of its own; {how}, yours adds {noise.flat[0]:.3g} to all of them.")
        if abs(noise.mean()) > 0.05 or abs(noise.std() - 0.5) > 0.05:
            raise Hint(
                f"With scale 0.5 the noise has mean 0 and standard deviation 0.5; "
                f"{how}, yours has {noise.mean():.2f} and {noise.std():.2f}."
            )
        if abs((abs(noise) < 0.5).mean() - 0.683) > 0.03:  # that far reach 68.3 % of a normal distribution
            raise Hint(f"Mean and deviation are right. But {how}, your noise is not normal: it has another shape.")
    net = noisy(1.0)
    net.hybridize()
    if (net(x) == net(x)).asnumpy().all():
        raise Hint("Hybridized, two calls give the same noise: it was drawn while tracing. Let F draw it.")
    smaller = x[:7]
    if net(smaller).shape != smaller.shape:
        raise Hint("After a batch of 200, a batch of 7 has the wrong shape: the trace must not contain a size.")


def _neighbours(first, second):
    @final
    class Neighbours(gluon.HybridBlock):
        def hybrid_forward(self, F, x):
            later, earlier = (F.slice_axis(x, axis=0, begin=begin, end=end) for begin, end in (first, second))
            return later - earlier

    return Neighbours


def _not_the_difference(part: str, x: nd.NDArray, given: nd.NDArray, right: nd.NDArray) -> str:
    if given.shape != right.shape:
        return f"{part.capitalize()}, {len(x)} rows give the shape {right.shape}; yours has {given.shape}."
    return f"{part.capitalize()}, the first row is {right[0].asnumpy()}; yours is {given[0].asnumpy()}."


exercises.add(
    Tried(
        "neighbours",
        _neighbours((1, None), (0, -1)),
        lambda: [(nd.array([[1.0, 2.0], [4.0, 0.5], [3.0, 3.0]]),), (nd.array([[0.0], [5.0], [1.0], [1.0], [2.0]]),)],
        [
            Mistake(
                _neighbours((0, -1), (1, None)),
                hint="The sign is the other way round: each row less the one before it.",
            ),
            Mistake(
                _neighbours((1, 3), (0, 2)),
                hint="That is right for three rows. slice_axis takes None for the end, and counts from it with -1.",
            ),
        ],
        otherwise=_not_the_difference,
        trial=_both_lives,
        atol=1e-6,
    )
)


@final
class Root(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        positive = x > 0
        safe = F.where(positive, x, F.ones_like(x))
        return F.where(positive, F.sqrt(safe), F.zeros_like(x))


@final
class _SimpleRoot(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return F.where(x > 0, F.sqrt(x), F.zeros_like(x))


def _rooted(answer: Block, x: list[float]) -> dict[str, list[float]]:
    array = nd.array(x)
    values = {how: y.asnumpy().tolist() for how, y in _both_lives(answer, array).items()}
    net = answer()
    net.hybridize()
    array.attach_grad()
    with autograd.record():
        y = net(array)
    y.backward(nd.full(len(x), 3.0))
    return {**values, "gradient": array.grad.asnumpy().tolist()}


_WRONG_ROOT = "For {x}, {part}, yours gives {given}."

exercises.add(
    Tried(
        "safe-root",
        Root,
        [([-1.0, 0.0, 0.25, 4.0],)],
        [
            Mistake(
                _SimpleRoot,
                hint="The values are right; the gradient is {given}. where computes both branches, backwards too: "
                "the root must not be taken of a number that is not positive.",
            ),
        ],
        otherwise={
            "imperatively": _WRONG_ROOT,
            "hybridized": _WRONG_ROOT,
            "gradient": "Finite, but with head gradients of 3 the gradient is {right}; yours is {given}.",
        },
        trial=_rooted,
        rtol=1e-6,
        atol=1e-6,
    )
)


def _highest(axis=0, first=lambda F, row: row):
    @final
    class HighestSoFar(gluon.HybridBlock):
        def hybrid_forward(self, F, x):
            def step(row, highest):
                highest = F.maximum(row, highest)
                return highest, highest

            x = F.swapaxes(x, 0, axis)
            row = F.reshape(F.slice_axis(x, axis=0, begin=0, end=1), (-3,))
            return F.swapaxes(F.contrib.foreach(step, x, first(F, row))[0], 0, axis)

    return HighestSoFar


def _tides() -> list[tuple[nd.NDArray]]:
    rng = np.random.RandomState(0)
    return [(nd.array(rng.normal(size=shape) - 3),) for shape in ((6, 3), (4, 1))]


def _not_the_tide(part: str, given: nd.NDArray, right: nd.NDArray) -> str:
    if given.shape != right.shape:
        return _WRONG_SHAPE.format(right.shape, part, given.shape)
    return f"{part.capitalize()}, the maximum so far is not right; does step return the state as well?"


exercises.add(
    Tried(
        "running-maximum",
        _highest(),
        _tides,
        [
            Mistake(
                _highest(first=lambda F, row: F.zeros_like(row)),
                hint="With negative numbers it stays at 0. What should the first state be?",
            ),
            Mistake(_highest(axis=1), hint="That is along the features. foreach walks along the first axis, the time."),
        ],
        otherwise=_not_the_tide,
        trial=_both_lives,
    )
)
