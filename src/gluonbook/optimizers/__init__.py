"""The optimizers of the book, one file each, ready for `gluon.Trainer` by name.

    import gluonbook.optimizers
    trainer = gluon.Trainer(net.collect_params(), "lion", {"learning_rate": 1e-4, "wd_lh": 0.1})

Only the sign of the gradient, or of what is made of it:

- `signsgd`, `plainsignum` and `fusedsignum` (the same numbers, in one pass over memory), `lion`, `rprop`
- `efsignsgd` and `onebitsgd`, which remember what the sign left out

Magnitude and variance, or a whole matrix: `msvag`, `shampoo`, `ggt`.

The classics, written out, equal to MXNet's `sgd`, `nag`, `adagrad`, `rmsprop` and `adam`: `plainsgd`, `plainnag`,
`plainadagrad`, `plainrmsprop`, `plainadam`.

All take the options of `gluonbook.optimizers.whole_step.WholeStep`, whose `prepared` has the order of rescaling,
clipping and decay. In each, sign is MXNet's: sign(0) = 0 and sign(NaN) = 0, such a weight is not moved; what one bit
makes of a zero on its way to another worker is said in `gluonbook.kernels`. But `efsignsgd` scales its signs by a mean
of the whole parameter, which a NaN or Inf spoils.

`efsignsgd`, `onebitsgd`, `shampoo` and `ggt` look at a parameter as a whole. MXNet's own servers (`dist_sync`) have it
as a vector, or cut; there these four are refused, where the stores of `gluonbook.kvstore` take them.

`partition` gives each part of the parameters an optimizer of its own.

`gluonbook.optimizers.rule` is the frame for one of your own.
"""

from gluonbook.optimizers.ef_signsgd import EFSignSGD
from gluonbook.optimizers.fused_signum import FusedSignum
from gluonbook.optimizers.ggt import GGT
from gluonbook.optimizers.lion import Lion
from gluonbook.optimizers.msvag import MSVAG
from gluonbook.optimizers.onebit_sgd import OneBitSGD
from gluonbook.optimizers.partition import Partition
from gluonbook.optimizers.plain_adagrad import PlainAdaGrad
from gluonbook.optimizers.plain_adam import PlainAdam
from gluonbook.optimizers.plain_nag import PlainNAG
from gluonbook.optimizers.plain_rmsprop import PlainRMSProp
from gluonbook.optimizers.plain_sgd import PlainSGD
from gluonbook.optimizers.plain_signum import PlainSignum
from gluonbook.optimizers.rprop import RProp
from gluonbook.optimizers.shampoo import Shampoo
from gluonbook.optimizers.signsgd import SignSGD

__all__ = [
    "GGT",
    "MSVAG",
    "EFSignSGD",
    "FusedSignum",
    "Lion",
    "OneBitSGD",
    "Partition",
    "PlainAdaGrad",
    "PlainAdam",
    "PlainNAG",
    "PlainRMSProp",
    "PlainSGD",
    "PlainSignum",
    "RProp",
    "Shampoo",
    "SignSGD",
]
