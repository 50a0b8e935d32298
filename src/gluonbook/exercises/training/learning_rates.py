"""The exercises of `training/learning_rates`."""

from __future__ import annotations

import inspect
from typing import Callable, final

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from gluonbook import models
from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Hint, Mistake
from gluonbook.exercises.numeric import Number, Numbers, Place
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Numbers(
        "two-rates",
        Place(
            0.25,
            [
                Mistake(4.0, hint="That is the curvature itself. The steeper the parabola, the shorter the step."),
                Mistake(0.5, hint="With that one the weight jumps to and fro for ever. Where should it land?"),
            ],
            otherwise="By which factor is w multiplied in a step? For one step it must be 0.",
        ),
        Place(
            0.5,
            [
                Mistake(0.25, hint="From there on it overshoots. It still arrives for a while."),
                Mistake(2.0, hint="2 over what?"),
            ],
            otherwise="The factor of a step may be negative. From where on does its absolute value exceed 1?",
        ),
    )
)

exercises.add(
    Number(
        "enough-decay",
        2.5,
        [
            Mistake(5.0, hint="That is 1/λ, which is enough. How much less is enough as well?"),
            Mistake(0.1, hint="The exponent is 2cλ, not c/(2λ): the flatter the parabola, the more it needs."),
            Mistake(0.4, hint="That is 2λ itself. What must c be, so that 2cλ is 1?"),
            Mistake(0.2, hint="That is λ. The flatter the parabola, the more it needs."),
        ],
        otherwise="The exponent is the smaller one of 1 and 2cλ. From which c on is it 1?",
    )
)


def stuck(losses, patience):
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


def _falls_no_more(losses, patience):
    return len(losses) > patience and losses[-1] >= losses[-1 - patience]


def _runs() -> list[tuple[list[float], int]]:
    random = np.random.RandomState(0)
    falling = np.geomspace(2.3, 0.1, 20)
    noisy = (falling + 0.05 * random.normal(size=20)).tolist()
    flat = (0.3 + 0.02 * random.normal(size=20)).tolist()
    return [
        (falling.tolist(), 3),
        ([0.5] * 6, 3),
        ([2.0, 1.0, 0.5, 0.6, 0.55, 0.52], 3),
        ([2.0, 1.0, 0.5, 0.6, 0.55, 0.52], 4),
        ([1.0, 0.5, 0.8, 0.9, 0.7, 0.6], 3),
        ([2.0, 1.0, 0.5, 0.9, 0.45, 0.8], 3),
        ([0.4, 0.9, 0.8, 0.7], 3),
        ([1.0, 1.1, 1.2], 3),
        ([1.0], 3),
        ([], 2),
        (noisy, 5),
        (noisy[-6:] + flat, 5),
        ([1.0, 0.9, 0.9], 1),
    ]


def _verdict(answer: Callable, losses: list[float], patience: int) -> bool:
    given = answer(losses, patience)
    if not isinstance(given, (bool, np.bool_)):
        raise Hint(f"Answer with True or False, not {given!r:.40}.")
    return bool(given)


exercises.add(
    Tried(
        "stuck",
        stuck,
        _runs,
        [
            Mistake(
                _falls_no_more,
                hint="You compare two single losses. Noise decides that; compare the lowest of the last ones with "
                "the lowest of all before.",
            ),
            Mistake(
                lambda losses, patience: len(losses) > patience and min(losses[-patience:]) > min(losses[:-patience]),
                hint="Losses that stay exactly where they are are stuck, too.",
            ),
            Mistake(
                lambda losses, patience: len(losses) > 1 and losses[-1] >= min(losses[:-1]),
                hint="You lose patience after a single epoch.",
            ),
            Mistake(
                lambda losses, patience: (
                    len(losses) > patience and float(np.mean(losses[-patience:])) >= float(np.mean(losses[:-patience]))
                ),
                hint="A mean remembers how bad it was long ago, and takes that for progress. Compare the lowest ones.",
            ),
            Mistake(
                lambda losses, patience: (
                    len(losses) >= patience
                    and min(losses[-patience:], default=0.0) >= min(losses[:-patience], default=0.0)
                ),
                hint="With no more losses than `patience` there is nothing to compare with. Nobody is stuck yet.",
            ),
        ],
        otherwise="For {losses} with a patience of {patience} it should be {right}, and yours is {given}.",
        trial=_verdict,
    )
)


@final
class Hyperbola(mx.lr_scheduler.LRScheduler):
    """The rate c/(C + t) at step t."""

    def __init__(self, c, C):
        super().__init__(base_lr=c / C)
        self.c, self.C = c, C

    def __call__(self, num_update):
        return self.c / (self.C + num_update)


@exercises.judged("hyperbola", right=Hyperbola)
def hyperbola(kind: type) -> None:
    if not inspect.isclass(kind) or not issubclass(kind, mx.lr_scheduler.LRScheduler):
        raise Hint("Hand in the class itself, one that inherits from mx.lr_scheduler.LRScheduler.")
    schedule = kind(3.0, 10.0)
    if schedule(0) is None:
        raise Hint("The schedule returns nothing. What does __call__ give back?")
    early = [schedule(t) for t in (0, 1, 5, 90)]
    if np.allclose(early, 0.3):
        raise Hint("The rate stays at c/C. What is done with num_update?")
    if not np.allclose(early, [3 / (10 + t) for t in (0, 1, 5, 90)]):
        raise Hint(f"At step 5, with c = 3 and C = 10, the rate is 3/15; yours is {early[2]:.4g}.")
    if not np.isclose(schedule(1), 3 / 11):
        raise Hint(
            f"Asked for step 90 and then for step 1, it says {schedule(1):.4g} for the latter, where 3/11 is right: "
            "the rate must depend on num_update alone, not on what was asked before."
        )
    optimizer = mx.optimizer.create("sgd", learning_rate=0.3, lr_scheduler=kind(3.0, 10.0))
    weight, grad = mx.nd.zeros(1), mx.nd.ones(1)
    for _ in range(3):
        optimizer.update(0, weight, grad, optimizer.create_state(0, weight))
    if not np.isclose(-weight.asscalar(), 3 / 11 + 3 / 12 + 3 / 13):
        raise Hint("An optimizer that follows it does not take the steps 3/11, 3/12, 3/13. Is super().__init__ called?")


def lower_faster(net, ratio):
    layers = [layer for layer in net if layer.collect_params().keys()]
    for i, layer in enumerate(layers):
        layer.collect_params().setattr("lr_mult", ratio ** (len(layers) - 1 - i))


def _counting_all(net, ratio):
    for i, layer in enumerate(net):
        layer.collect_params().setattr("lr_mult", ratio ** (len(net) - 1 - i))


def _weights_only(net, ratio):
    layers = [layer for layer in net if layer.collect_params().keys()]
    for i, layer in enumerate(layers):
        layer.weight.lr_mult = ratio ** (len(layers) - 1 - i)


def _turned(net, ratio):
    layers = [layer for layer in net if layer.collect_params().keys()]
    for i, layer in enumerate(layers):
        layer.collect_params().setattr("lr_mult", ratio**i)


def _one_too_many(net, ratio):
    layers = [layer for layer in net if layer.collect_params().keys()]
    for i, layer in enumerate(layers):
        layer.collect_params().setattr("lr_mult", ratio ** (len(layers) - i))


def _multipliers(answer: Callable, name: str, ratio: float) -> dict[str, list[float]]:
    """What each layer with parameters has, in the order of the layers, the weights' and the biases'."""
    net = _NETS[name]()
    answer(net, ratio)
    layers = [layer for layer in net if layer.collect_params().keys()]
    return {part: [float(getattr(layer, part).lr_mult) for layer in layers] for part in ("weight", "bias")}


def _normalized() -> gluon.Block:
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, activation="relu"), nn.MaxPool2D(), nn.Flatten(), nn.Dense(8), nn.Dense(10))
    return net


_NETS = {
    "three dense layers": lambda: models.mlp((8, 8)),
    "dense layers with dropout between": lambda: models.mlp((8, 8), dropout=0.5),
    "a small ConvNet": _normalized,
}

exercises.add(
    Tried(
        "lower-faster",
        lower_faster,
        [(name, ratio) for name in _NETS for ratio in (3.0, 0.5)],
        [
            Mistake(_turned, hint="The highest layer has the most. Which one should keep the rate as it is?"),
            Mistake(_one_too_many, hint="All are right but for one factor: the output layer should have 1."),
            Mistake(_weights_only, hint="The weights are right. A layer has biases, too."),
            Mistake(
                _counting_all,
                hint="In {name} some blocks have no parameters, such as dropout or pooling. They should not count.",
            ),
        ],
        otherwise="In {name}, with the ratio {ratio}, the multipliers of the {part} should be {right}, from the input "
        "to the output, and yours are {given}.",
        trial=_multipliers,
    )
)
