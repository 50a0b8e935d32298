"""A rank of a launched run with a scale of the losses: in the third of eight steps rank 1 alone has too much."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
from mxnet import gluon, init
from mxnet.contrib.amp.loss_scaler import LossScaler

from gluonbook.kvstore import MeanStore
from gluonbook.training import fit, set_seed

store = MeanStore("mpi")
luck = np.random.RandomState(store.rank)
X, y = luck.randn(40, 4).astype("float32"), luck.randint(0, 3, 40)
if store.rank == 1:
    X[12] *= 1e30

set_seed(1)
net = gluon.nn.Dense(3, in_units=4)
net.initialize(init.Xavier())
options = {"kvstore": store, "update_on_kvstore": False}
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, **options)
scaler = trainer._amp_loss_scaler = LossScaler()  # as amp.init_trainer does
trainer._amp_original_scale = trainer._scale
scaler._loss_scale = scaler._next_loss_scale = 2.0**40

history = fit(net, trainer, gluon.data.ArrayDataset(X, y), epochs=1, batch_size=5, shuffle=False)
weights = hashlib.sha256(net.weight.data().asnumpy().tobytes()).hexdigest()
done = f"{history['steps'][-1]} steps, {trainer.optimizer.num_update} updates"
told = f"{done}, scale {scaler._next_loss_scale} {weights}"
Path(sys.argv[1], f"{store.rank}").write_text(told, encoding="utf-8")
