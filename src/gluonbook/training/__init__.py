"""The one Gluon training loop of the book, and what belongs to it: evaluate, predict, exact resuming."""

from gluonbook.training.batches import ShuffledBatches, set_seed
from gluonbook.training.evaluation import Score, evaluate, predict
from gluonbook.training.history import Epoch, History
from gluonbook.training.loop import fit

__all__ = ["Epoch", "History", "Score", "ShuffledBatches", "evaluate", "fit", "predict", "set_seed"]
