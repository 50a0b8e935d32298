"""Decoupled backpropagation: the modules of a net in processes of their own, and none waits for the others' backward.

    parts = cut(net, comm.size)
    part = parts[comm.rank]
    module = Module(part, gluon.Trainer(part.collect_params(), "sgd", {"learning_rate": 0.03}, kvstore=None))
    for epoch in range(epochs):
        losses = pipeline(module, batches)

Backpropagation is a chain: module k can begin when module k + 1 has done. Delayed gradients cut it. In step t module k
of K, from 0 on, takes the gradient that module k + 1 has found one step before:

    w_k ← w_k − γ·∇_k f(x_{t−d}; w^{t−d}),  d = K − 1 − k

so the last module trains as ever, the first on gradients that are K − 1 steps old. `emulate` computes the same in one
process, bit for bit, and is what `pipeline` is tested against; with one module both are the plain step of `fit`.

Old gradients belong to old weights. Gluon's backward takes the weights as they are when it is called, and would mix
both; `Module` keeps copies.

Source: Huo, Gu, Yang and Huang, Decoupled parallel backpropagation with convergence guarantee (2018), arXiv:1804.10574,
Algorithm 1.
"""

from gluonbook.decoupled.emulation import emulate
from gluonbook.decoupled.module import Module, cut
from gluonbook.decoupled.pipeline import pipeline

__all__ = ["Module", "cut", "emulate", "pipeline"]
