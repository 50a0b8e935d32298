"""Which optimizers are what they are on a server of MXNet, too.

There a parameter is a vector, and, with several servers and from MXNET_KVSTORE_BIGARRAY_BOUND elements on (10⁶ by
default), each of them has a slice of it. Nothing tells, and an optimizer that looks at a parameter as a whole silently
becomes another method. In the stores of `gluonbook.kvstore` optimizers run on the workers, and see what they would see
in one process.
"""

from __future__ import annotations

from mxnet.optimizer import LARS, LBSGD, Nadam, Optimizer
from mxnet.optimizer.contrib import GroupAdaGrad
from mxnet.optimizer.optimizer import LAMB

from gluonbook.optimizers.partition import members
from gluonbook.optimizers.whole_step import WholeStep


class Shaped(ValueError):
    """An optimizer would be another one on a server; the message says which, and what helps."""


def refuse_shaped(optimizer: Optimizer) -> None:
    """Return if the servers of MXNet may run `optimizer`.

    Raises:
        Shaped: it is not elementwise, or one of its parts is not. An optimizer that is derived from neither
            `WholeStep` nor one of MXNet's that look at more than a coordinate is taken at its word.
    """
    for part in members(optimizer):
        if not _elementwise(part):
            own = ", or set elementwise = True in its class if it is" if isinstance(part, WholeStep) else ""
            raise Shaped(
                f"{type(part).__name__} is not elementwise, and would be another method on a server, which has a "
                "parameter as a vector, or a slice of one: have the workers run it, by "
                f"kvstore=gluonbook.kvstore.MeanStore('pslite'){own}"
            )


def _elementwise(optimizer: Optimizer) -> bool:
    if isinstance(optimizer, WholeStep):
        return optimizer.elementwise
    if isinstance(optimizer, LBSGD):
        return optimizer.warmup_strategy != "lars"
    # Norms of a parameter or of its rows; and a momentum whose schedule goes on with every parameter of the server.
    return not isinstance(optimizer, (LAMB, LARS, GroupAdaGrad, Nadam))
