"""The one Gluon training loop of the book, and what belongs to it: evaluate, predict, exact resuming."""

from gluonbook.training.batches import ShuffledBatches
from gluonbook.training.evaluation import Score, evaluate, predict
from gluonbook.training.flat import FlatNet
from gluonbook.training.history import Epoch, History
from gluonbook.training.loop import fit
from gluonbook.training.outcome import Outcome
from gluonbook.training.seeds import set_seed
from gluonbook.training.step import Batch, PlainStep, Step
from gluonbook.training.workers import WorkerError

__all__ = [
    "Batch",
    "Epoch",
    "FlatNet",
    "History",
    "Outcome",
    "PlainStep",
    "Score",
    "ShuffledBatches",
    "Step",
    "WorkerError",
    "evaluate",
    "fit",
    "predict",
    "set_seed",
]
