"""Stores that `gluon.Trainer` takes as they are, for training in many processes.

    store = MPIVoteStore(momentum=0.9)
    trainer = gluon.Trainer(net.collect_params(), "signsgd", {"learning_rate": 1e-4, "wd_lh": 1e-4}, kvstore=store)

A store is a method on an engine. The methods: `VoteStore`, majority vote of signs, one bit a coordinate each way;
`ErrorFeedbackStore`, the mean of scaled signs with error feedback; `MeanStore`, the plain mean. The engines: Local, the
devices of one process, which is the reference; MPI; and PSLite, MXNet's parameter server. `gluonbook.launch` starts the
processes.
"""

from gluonbook.kvstore.feedback import (
    ErrorFeedbackStore,
    LocalErrorFeedbackStore,
    MPIErrorFeedbackStore,
    PSLiteErrorFeedbackStore,
)
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.mean import LocalMeanStore, MeanStore, MPIMeanStore, PSLiteMeanStore
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vote import LocalVoteStore, MPIVoteStore, PSLiteVoteStore, VoteStore

__all__ = [
    "ErrorFeedbackStore",
    "Link",
    "LocalErrorFeedbackStore",
    "LocalMeanStore",
    "LocalVoteStore",
    "MPIErrorFeedbackStore",
    "MPIMeanStore",
    "MPIVoteStore",
    "MeanStore",
    "PSLiteErrorFeedbackStore",
    "PSLiteMeanStore",
    "PSLiteVoteStore",
    "Store",
    "VoteStore",
]
