"""Stores that `gluon.Trainer` takes as they are, for training in many processes.

    store = VoteStore("mpi", momentum=0.9)
    trainer = gluon.Trainer(net.collect_params(), "signsgd", {"learning_rate": 1e-4, "wd_lh": 1e-4}, kvstore=store)

A store is a method, and holds a link to the other workers. The methods: `VoteStore`, majority vote of signs, one bit a
coordinate each way; `ErrorFeedbackStore`, the mean of scaled signs with error feedback; `MeanStore`, the plain mean;
`CompressedStore`, the mean of what a codec makes of each gradient; `PowerStore`, PowerSGD, which sends two thin factors
of a gradient.

A `Codec` says how a gradient is written down, and a `Memory` what becomes of what that leaves out:

    store = CompressedStore("mpi", codec=TopK(0.01), memory=Feedback())

The codecs: `Exact`; `Half`, float16; `ScaledSign`, as in error feedback; `OneBit`, two means a row; `Levels`, QSGD and
TernGrad; `Threshold`, MXNet's two bits; `TopK` and `RandomK`, the largest elements, or any. The memories: `NoMemory`;
`Feedback`, which sends it later; `MomentumCorrection`, deep gradient compression.

The links, by the names of their engines: "local", the devices of one process, which is the reference; "mpi"; and
"pslite", MXNet's parameter server. `gluonbook.launch` starts the processes.

A method of one's own is a class with one function: of gradients (`GradientStore`), or of weights (`WeightStore`).
"""

from gluonbook.kvstore.codecs import Codec, Exact, Half, Levels, OneBit, RandomK, ScaledSign, Sparse, Threshold, TopK
from gluonbook.kvstore.compensation import Feedback, Memory, MomentumCorrection, NoMemory
from gluonbook.kvstore.compressed import CompressedStore
from gluonbook.kvstore.engines import ENGINES
from gluonbook.kvstore.feedback import ErrorFeedbackStore
from gluonbook.kvstore.gradients import GradientStore
from gluonbook.kvstore.link import Link, LocalLink
from gluonbook.kvstore.mean import MeanStore
from gluonbook.kvstore.mpi import MPILink
from gluonbook.kvstore.power import PowerStore
from gluonbook.kvstore.pslite import PSLiteLink
from gluonbook.kvstore.store import Store
from gluonbook.kvstore.vote import VoteStore
from gluonbook.kvstore.weights import WeightStore

__all__ = [
    "ENGINES",
    "Codec",
    "CompressedStore",
    "ErrorFeedbackStore",
    "Exact",
    "Feedback",
    "GradientStore",
    "Half",
    "Levels",
    "Link",
    "LocalLink",
    "MPILink",
    "MeanStore",
    "Memory",
    "MomentumCorrection",
    "NoMemory",
    "OneBit",
    "PSLiteLink",
    "PowerStore",
    "RandomK",
    "ScaledSign",
    "Sparse",
    "Store",
    "Threshold",
    "TopK",
    "VoteStore",
    "WeightStore",
]
