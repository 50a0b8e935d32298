"""The exercises of `practice/noisy_labels`."""

from __future__ import annotations

import numpy as np

from gluonbook.exercises.checking import Exercises
from gluonbook.exercises.exercise import Mistake
from gluonbook.exercises.numeric import Number, near
from gluonbook.exercises.tried import Tried

exercises = Exercises(__name__)
check = exercises.check

exercises.add(
    Number(
        "threshold-of-two",
        near((1 + np.sqrt(np.sqrt(2) - 1)) / 2, 8e-4),
        [
            Mistake(near(0.8233, 7e-4), hint="That is the threshold of three labels. With two it is a little lower."),
            Mistake(
                near((1 - np.sqrt(np.sqrt(2) - 1)) / 2, 2e-3),
                hint="The equation has two roots, and these workers would be wrong more often than right. "
                "Take the other one.",
            ),
            Mistake(
                near(np.sqrt(np.sqrt(2) - 1), 2e-3), hint="That is 2p − 1, the x of the equation. What is p, then?"
            ),
            Mistake(
                near(np.sqrt(np.sqrt(0.5)), 2e-3),
                hint="You count only the labels that are both right. Two that are both wrong agree, too, "
                "and are believed as much.",
            ),
            Mistake(
                near(np.sqrt(0.5), 2e-3),
                hint="Both sides have a factor 1/(2p − 1)². What is left of 1/(1 − 2β) is p² + (1 − p)², "
                "and a factor √2.",
            ),
            Mistake(
                near(100 * (1 + np.sqrt(np.sqrt(2) - 1)) / 2, 0.1), hint="In per cent that is right. Answer with p."
            ),
        ],
        otherwise="Compare √2/(1 − 2β₂) with 1/(2p − 1)². Only labels that agree add to 1 − 2β₂: both right with "
        "probability p², both wrong with (1 − p)².",
    )
)


def majority_of_two(p):
    return p**2 + p * (1 - p)


exercises.add(
    Tried(
        "tied-majority",
        majority_of_two,
        [(0.6,), (0.75,), (1.0,), (0.5,)],
        [
            Mistake(lambda p: p**2, hint="So often both are right. What if they disagree?"),
            Mistake(
                lambda p: 1 - (1 - p) ** 2,
                hint="So often at least one is right. If they disagree, a coin decides between them.",
            ),
            Mistake(
                lambda p: p**2 + p * (1 - p) / 2,
                hint="They can disagree in two ways: the first is wrong, or the second.",
            ),
            Mistake(
                lambda p: p**2 / (p**2 + (1 - p) ** 2),
                hint="That is how probable it is that two are right who agree. They need not agree.",
            ),
            Mistake(lambda p: p**2 + (1 - p) ** 2, hint="So often they agree. Are they right then?"),
        ],
        otherwise="For p = {p} it should be {right:.4g}, and yours is {given}.",
    )
)

exercises.add(
    Number(
        "opposite-of-a-liar",
        near(0.81 / 0.82, 2.5e-3),
        [
            Mistake(
                0.5,
                hint="Is the word of somebody who is nearly always wrong worth nothing? Or does it stand for its "
                "opposite?",
            ),
            Mistake(0.9, hint="That is what the first one says alone. The second tells something, too."),
            Mistake(near(0.81, 1e-3), hint="So probable is it that both say this if it is B. Divide by all cases."),
            Mistake(near(0.01 / 0.82, 1e-3), hint="That is how probable A is."),
            Mistake(near(81 / 0.82, 0.1), hint="In per cent that is right. Answer with a probability."),
        ],
        otherwise="How probable is it that the one says B and the other A, if it is B? And if it is A?",
    )
)

exercises.add(
    Number(
        "spammer-given-away",
        3,
        [
            Mistake(2, hint="With two it is 1%. Less was asked for."),
            Mistake(1, hint="A spammer names the right one of ten classes with probability 1/10."),
            Mistake(
                44,
                near(np.log(0.01) / np.log(0.9), 0.5),
                hint="So many it takes until a spammer has agreed with you once. She should agree each time.",
            ),
            Mistake(7, hint="That would be with two classes: a spammer guesses one of ten here."),
        ],
        otherwise="With n images a spammer agrees with you on all with probability 10⁻ⁿ.",
    )
)


def belief(who, said, confusion, prior):
    likely = np.array(prior, dtype=float)
    for a, s in zip(who, said):
        likely = likely * confusion[a, :, s]
    return likely / likely.sum()


def _unscaled(who, said, confusion, prior):
    return np.array(prior) * np.prod([confusion[a, :, s] for a, s in zip(who, said)], axis=0)


def _by_rows(who, said, confusion, prior):
    likely = np.array(prior) * np.prod([confusion[a, s, :] for a, s in zip(who, said)], axis=0)
    return likely / likely.sum()


def _without_prior(who, said, confusion, prior):
    return belief(who, said, confusion, np.ones(len(prior)))


def _added(who, said, confusion, prior):
    likely = np.array(prior) * np.sum([confusion[a, :, s] for a, s in zip(who, said)], axis=0)
    return likely / likely.sum()


def _prior_each_time(who, said, confusion, prior):
    return belief(who, said, confusion, np.array(prior) ** len(who))


def _votes(who, said, confusion, prior):
    return np.bincount(said, minlength=len(prior)) / len(said)


def _examples() -> list[tuple[list[int], list[int], np.ndarray, list[float]]]:
    random = np.random.RandomState(0)
    confusion = random.dirichlet(np.ones(4), size=(5, 4))
    return [
        ([0], [1], confusion, [0.25] * 4),
        ([2, 1], [0, 3], confusion, [0.1, 0.2, 0.3, 0.4]),
        ([4, 0, 3], [2, 2, 1], confusion, [0.4, 0.1, 0.4, 0.1]),
    ]


exercises.add(
    Tried(
        "believe-one",
        belief,
        _examples,
        [
            Mistake(_unscaled, hint="The proportions are right. Probabilities add up to 1."),
            Mistake(
                _by_rows,
                hint="confusion[a, k, s] is what she says of class k. What was said is known, and k is not: "
                "it is a column that you need.",
            ),
            Mistake(_without_prior, hint="All classes are alike to you before any label. The prior is missing."),
            Mistake(_added, hint="You add up what the workers say. They err independently, so probabilities multiply."),
            Mistake(_prior_each_time, hint="The prior counts once, not once for each label."),
            Mistake(_votes, hint="Those are the votes. Who has voted?"),
        ],
        otherwise="For the labels {said} by the workers {who} it should be {right}, and yours is {given}.",
    )
)
