"""A ps-lite server or scheduler that is ready before it serves, trusts no pickle, and hides no error.

    DMLC_ROLE=server python -m gluonbook.rank.server

MXNet's own (`DMLC_ROLE=server python -c "import mxnet"`) begins to serve in the middle of its import, when there is no
`mx.nd` yet; it unpickles whatever it is sent; and an error in an optimizer is printed and forgotten, while the weights
silently stay as they are, or become the sum of the gradients. Here any of these ends the process, with its traceback.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, final

from gluonbook.rank.ending import fail

_SET_OPTIMIZER = 0


def serve(role: str) -> None:
    """Be a "server" or the "scheduler" of the job that the DMLC_* variables describe, until its workers have ended."""
    if role not in ("server", "scheduler"):
        raise ValueError(f"DMLC_ROLE must be server or scheduler here, got {role!r}")
    os.environ.pop("DMLC_ROLE", None)  # with it, MXNet would serve while it is still being imported

    import mxnet as mx
    from mxnet.kvstore.kvstore_server import KVStoreServer

    from gluonbook.rank import pickles, shapes

    if role == "server":
        # A pickle imports nothing, so what it may name has to be there.
        for module in ["gluonbook.optimizers", "gluonbook.kvstore.referee", *pickles.trusted()]:
            importlib.import_module(module)

    @final
    class Server(KVStoreServer):
        def _controller(self) -> Callable[[int, bytes, Any], None]:
            def control(command: int, body: bytes, _: Any) -> None:
                if command != _SET_OPTIMIZER:
                    raise pickles.Refused(f"unknown command {command}; the only one is {_SET_OPTIMIZER}, set_optimizer")
                optimizer = pickles.loads(body, pickles.trusted())
                shapes.refuse_shaped(optimizer)
                self.kvstore.set_optimizer(optimizer)

            return control

    sys.unraisablehook = _end
    os.environ["DMLC_ROLE"] = role
    Server(mx.kvstore.create("dist")).run()


def _end(swallowed: sys.UnraisableHookArgs) -> None:
    """End the process for an error inside a callback of the server, which C++ could neither raise nor report."""
    if "ctypes callback" not in (swallowed.err_msg or "") or swallowed.exc_value is None:
        return sys.__unraisablehook__(swallowed)
    error = swallowed.exc_value
    fail(f"raised {type(error).__name__}: {error}", error)


if __name__ == "__main__":
    serve(os.environ.get("DMLC_ROLE", ""))
