"""What a Gluon block computes: a subclass may look like a layer of Gluon's, and do something else."""

from __future__ import annotations

from mxnet import gluon

_COMPUTING = ("__call__", "forward", "hybrid_forward")  # the last only where a block is a HybridBlock


def computes_as(block: gluon.Block, *kinds: type[gluon.Block]) -> bool:
    """Whether the block is of one of these kinds and computes what that does: a subclass may say it anew."""
    return any(isinstance(block, kind) and all(_same(block, kind, name) for name in _COMPUTING) for kind in kinds)


def _same(block: gluon.Block, kind: type[gluon.Block], name: str) -> bool:
    return getattr(getattr(block, name, None), "__func__", None) is getattr(kind, name, None)
