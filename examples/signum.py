"""Train a network with Signum, the way any optimizer of MXNet is used.

    python examples/signum.py

It prints how many of the digits that it has not seen it reads.
"""

import mxnet as mx
from mxnet import gluon

import gluonbook.optimizers  # noqa: F401  it registers `fusedsignum` and the others
from gluonbook import datasets, models
from gluonbook.training import fit, set_seed

EPOCHS, BATCH = 10, 50

digits = datasets.load("digits")  # which scikit-learn brings along; "mnist" and others are fetched
set_seed(0)
net = models.mlp(hidden=(64,))
net.initialize(mx.init.Xavier())
net.hybridize()

# Every weight moves by the learning rate in each step, up or down. So it has to fall, or no weight comes to rest.
steps = EPOCHS * (len(digits.train) // BATCH)
schedule = mx.lr_scheduler.CosineScheduler(max_update=steps, base_lr=0.003)
optimizer = {"lr_scheduler": schedule, "momentum": 0.9, "wd_lh": 1e-4}
trainer = gluon.Trainer(net.collect_params(), "fusedsignum", optimizer)

history = fit(net, trainer, digits.train, epochs=EPOCHS, batch_size=BATCH, test=digits.test)
print(f"test accuracy {history['test_accuracy'][-1]:.1%}")
