"""Exact checkpoints of a Gluon run: parameters, optimizer states, counters and schedule, bit for bit, without pickle.

    path = checkpoint.save(folder, net, trainer, step=17, epoch=2)
    position = checkpoint.load(checkpoint.latest(folder), net, trainer)

`state.safetensors` holds every array, and as JSON in its metadata everything else; `SHA256SUMS` proves both. Unlike
`Trainer.save_states` it names parameters by their place in `net` ("0.weight"), not by Gluon's running prefixes, whose
sorting changes from one instance to the next (`dense10` < `dense9`). MXNet's random generators cannot be read, so a
loop that needs them exact seeds them from the step, as `gluonbook.training.fit` does. A
gradient is kept where it is added to (`grad_req="add"`), else the next backward pass replaces it.
"""

from gluonbook.checkpoint.anatomy import optimizer_of
from gluonbook.checkpoint.exact import Position, load, peek, refuse, save
from gluonbook.checkpoint.optimizers import optimizers_of
from gluonbook.checkpoint.stateful import Stateful
from gluonbook.checkpoint.stores import Collective, latest_common, own_folder, store_of
from gluonbook.storage.errors import StorageError
from gluonbook.storage.folders import Damaged, clear, latest

__all__ = [
    "Collective",
    "Damaged",
    "Position",
    "Stateful",
    "StorageError",
    "clear",
    "latest",
    "latest_common",
    "load",
    "optimizer_of",
    "optimizers_of",
    "own_folder",
    "peek",
    "refuse",
    "save",
    "store_of",
]
