"""The sizes of the book: `quick` for two CPU cores, `full` for the scale of the papers, and `ci` for its tests.

A profile holds sizes, and which data they are of: the chapters run the same cells in all. `ci` has the sizes of
`quick`, but for chapters that are about real data it takes a part of that data. `GLUONBOOK_PROFILE` chooses, and
`quick` is the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from gluonbook import paths

VARIABLE = "GLUONBOOK_PROFILE"


@dataclass(frozen=True)
class Profile:
    """The sizes that chapters ask for, each named after its chapter."""

    name: str

    # gluon/imperative_symbolic
    loop_side: int  # side of the matrices that a Python loop multiplies
    async_side: int  # side of the square matrices that the engine multiplies in the background

    # gluon/hybridize
    hybridize_layers: int  # hidden layers of the network that has many small ones
    hybridize_width: int  # units in each of two wide layers
    hybridize_rounds: int  # rounds of each race

    # convnets/lenet
    lenet_images: int  # how many of the training set, at most
    lenet_test_images: int
    lenet_epochs: int
    lenet_accuracy: float  # the test accuracy that the chapter claims

    # convnets/data_pipeline
    data_pipeline_seeds: int  # how often each training is repeated
    data_pipeline_epochs: int
    data_pipeline_images: int  # images that the workers load, against the clock

    # convnets/save_resume
    save_resume_seeds: int
    save_resume_flips: int  # bits that are flipped in a file, one at a time

    # convnets/cifar_resnet
    cifar_side: int  # images are resized to so many pixels a side
    cifar_images: int  # how many of the training set, at most
    cifar_test_images: int
    cifar_workers: int  # processes that augment images
    cifar_epochs: int
    cifar_accuracy: float  # the test accuracy that the chapter claims
    cifar_blocks: int  # a stage, in the nets that are deeper by that
    cifar_deep_images: int  # and epochs, for which nets with and without shortcuts are compared
    cifar_deep_epochs: int
    cifar_plain_factor: float  # by how much the deep net's loss is claimed to be larger without shortcuts
    cifar_labels: int  # when there are few
    cifar_few_epochs: int  # of training on those few

    # multi_gpu/data_parallel
    data_parallel_seeds: int
    data_parallel_steps: int  # over which runs on one and on several devices are compared
    data_parallel_epochs: int

    # multi_gpu/kvstore
    kvstore_seeds: int
    kvstore_epochs: int

    # multi_gpu/distributed
    distributed_steps: int  # of the training that two engines do
    distributed_seconds: float  # for which workers push out of step

    # multi_gpu/parallelism
    parallelism_workers: tuple[int, ...]  # numbers of processes, of which the last is the largest
    parallelism_batch: int  # samples of all workers together
    parallelism_rounds: int

    # signum/convergence
    convergence_runs: int  # independent runs, side by side
    convergence_steps: int  # with batches that grow by one at each
    convergence_calls: int  # gradients of single samples, at most
    # signum/majority_vote
    majority_vote_seeds: int  # of the toy
    majority_vote_epochs: int
    majority_vote_parameters: int  # whose bits are counted on the wire
    majority_vote_width: int  # of the network whose epoch is cut into parts
    # signum/benchmarks
    benchmarks_images: int  # of the training set, besides those for validation
    benchmarks_validation: int
    benchmarks_test: int
    benchmarks_lrs: int  # step sizes that are tried, each with each beta
    benchmarks_betas: tuple[float, ...]
    benchmarks_tuning_images: int
    benchmarks_tuning_epochs: int
    benchmarks_epochs: int
    benchmarks_seeds: int
    benchmarks_spread: float  # by how much the tuned methods' test accuracies may differ, as claimed
    benchmarks_paths: int  # on how many trainings the sign of the momentum is followed
    benchmarks_steps: int  # of each
    # signum/custom_optimizer
    custom_parameters: int  # length of the arrays that the steps race over; far beyond a cache
    custom_rounds: int  # of each race
    custom_epochs: int
    custom_width: int  # units in each of two layers, for the time of a whole training step
    custom_steps: int  # on the parameter server

    # signum/where_sign_fails
    where_sign_fails_samples: int  # of the data that deceive the sign, half of them to train on
    where_sign_fails_patience: int  # steps that gradient descent gets in the tube
    where_sign_fails_starts: int  # beside the saddle

    # signum/adversaries
    adversaries_steps: int  # of the seven workers
    adversaries_seeds: int
    # signum/landscape
    landscape_images: int  # of the training set; the gradient of each is kept
    landscape_seeds: int
    landscape_draws: int  # batches of each size, to see how their noise is distributed


_QUICK = Profile(
    name="quick",
    loop_side=100,
    async_side=1500,
    hybridize_layers=8,
    hybridize_width=512,
    hybridize_rounds=40,
    lenet_images=1500,
    lenet_test_images=297,
    lenet_epochs=20,
    lenet_accuracy=0.95,
    data_pipeline_seeds=3,
    data_pipeline_epochs=10,
    data_pipeline_images=256,
    save_resume_seeds=3,
    save_resume_flips=100,
    cifar_side=12,
    cifar_images=1500,
    cifar_test_images=297,
    cifar_workers=0,
    cifar_epochs=6,
    cifar_accuracy=0.95,
    cifar_blocks=7,
    cifar_deep_images=1000,
    cifar_deep_epochs=4,
    cifar_plain_factor=3,
    cifar_labels=40,
    cifar_few_epochs=20,
    data_parallel_seeds=3,
    data_parallel_steps=100,
    data_parallel_epochs=6,
    kvstore_seeds=3,
    kvstore_epochs=6,
    distributed_steps=30,
    distributed_seconds=4,
    parallelism_workers=(1, 2),
    parallelism_batch=128,
    parallelism_rounds=20,
    convergence_runs=20,
    convergence_steps=1000,
    convergence_calls=6400,
    majority_vote_seeds=5,
    majority_vote_epochs=10,
    majority_vote_parameters=1_000_000,
    majority_vote_width=1024,
    benchmarks_images=1200,
    benchmarks_validation=300,
    benchmarks_test=297,
    benchmarks_lrs=4,
    benchmarks_betas=(0.0, 0.9, 0.99),
    benchmarks_tuning_images=1200,
    benchmarks_tuning_epochs=2,
    benchmarks_epochs=6,
    benchmarks_seeds=3,
    benchmarks_spread=0.03,
    benchmarks_paths=3,
    benchmarks_steps=200,
    custom_parameters=1 << 23,
    custom_rounds=5,
    custom_epochs=8,
    custom_width=2048,
    custom_steps=60,
    where_sign_fails_samples=200,
    where_sign_fails_patience=3000,
    where_sign_fails_starts=100,
    adversaries_steps=150,
    adversaries_seeds=3,
    landscape_images=1500,
    landscape_seeds=3,
    landscape_draws=1000,
)

_CI = replace(
    _QUICK,
    name="ci",
    lenet_images=3000,
    lenet_test_images=2000,
    lenet_epochs=6,
    lenet_accuracy=0.92,
    cifar_images=3000,
    cifar_test_images=500,
    cifar_epochs=8,
    cifar_accuracy=0.3,
    cifar_deep_epochs=6,
    cifar_plain_factor=1.05,
    cifar_labels=100,
    benchmarks_images=1000,
    benchmarks_validation=300,
    benchmarks_test=500,
    benchmarks_tuning_images=640,
    benchmarks_epochs=3,
    benchmarks_seeds=2,
    benchmarks_spread=0.06,
    landscape_images=1000,
)

_FULL = Profile(
    name="full",
    loop_side=200,
    async_side=3000,
    hybridize_layers=8,
    hybridize_width=2048,
    hybridize_rounds=100,
    lenet_images=60_000,
    lenet_test_images=10_000,
    lenet_epochs=10,
    lenet_accuracy=0.99,
    data_pipeline_seeds=10,
    data_pipeline_epochs=10,
    data_pipeline_images=1500,
    save_resume_seeds=10,
    save_resume_flips=1000,
    cifar_side=32,
    cifar_images=50_000,
    cifar_test_images=10_000,
    cifar_workers=8,
    cifar_epochs=200,
    cifar_accuracy=0.90,
    cifar_blocks=9,
    cifar_deep_images=50_000,
    cifar_deep_epochs=20,
    cifar_plain_factor=1.1,
    cifar_labels=500,
    cifar_few_epochs=40,
    data_parallel_seeds=10,
    data_parallel_steps=100,
    data_parallel_epochs=8,
    kvstore_seeds=10,
    kvstore_epochs=6,
    distributed_steps=200,
    distributed_seconds=20,
    parallelism_workers=(1, 2, 4, 8),
    parallelism_batch=512,
    parallelism_rounds=50,
    convergence_runs=50,
    convergence_steps=3000,
    convergence_calls=25_600,
    majority_vote_seeds=20,
    majority_vote_epochs=30,
    majority_vote_parameters=25_600_000,
    majority_vote_width=4096,
    benchmarks_images=55_000,
    benchmarks_validation=5_000,
    benchmarks_test=10_000,
    benchmarks_lrs=6,
    benchmarks_betas=(0.0, 0.5, 0.9, 0.99),
    benchmarks_tuning_images=10_000,
    benchmarks_tuning_epochs=1,
    benchmarks_epochs=10,
    benchmarks_seeds=5,
    benchmarks_spread=0.01,
    benchmarks_paths=10,
    benchmarks_steps=1000,
    custom_parameters=1 << 25,
    custom_rounds=15,
    custom_epochs=20,
    custom_width=4096,
    custom_steps=400,
    where_sign_fails_samples=400,
    where_sign_fails_patience=20_000,
    where_sign_fails_starts=1000,
    adversaries_steps=400,
    adversaries_seeds=10,
    landscape_images=3000,
    landscape_seeds=5,
    landscape_draws=4000,
)

_PROFILES = {profile.name: profile for profile in (_QUICK, _CI, _FULL)}
NAMES = tuple(_PROFILES)


def profile() -> str:
    """The name of the profile: the one that `GLUONBOOK_PROFILE` names, or "quick".

    Raises:
        ValueError: there is no profile of that name.
    """
    name = os.environ.get(VARIABLE) or "quick"
    if name not in NAMES:
        raise ValueError(f"{VARIABLE} is {name!r}; the profiles are {', '.join(map(repr, NAMES))}")
    return name


def digits_or(name: str) -> str:
    """The data set to take, for `datasets.load`: "digits" in `quick`, which needs no download, else `name`.

    Raises:
        ValueError: there is no such data set, or no such profile.
    """
    paths.manifest_entry(name)
    return "digits" if profile() == "quick" else name


def table() -> Profile:
    """All sizes of the present profile, until they lie in the chapters."""
    return _PROFILES[profile()]
