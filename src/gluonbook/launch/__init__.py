"""Run a script in several processes that train together, from a notebook cell or a shell, and leave none behind.

    from gluonbook import launch
    launch.run("train.py", workers=4, engine="mpi")

    gluonbook run --workers 4 --engine mpi train.py --lr 1e-4

The engine is "mpi" (ranks of MPI, for mpi4py and the stores on top of it) or "pslite" (MXNet's parameter server: a
scheduler, servers and workers). When one part dies, hangs or leaves early, all are ended, and the error says which one
and where. Interrupting the cell, restarting the kernel and a kill -9 of the launcher leave no process behind, either.

Security: run this in a network that you trust, and not as root. By default nothing listens on an address but that of
this machine itself (loopback); a host file ends that. Neither MPI nor ps-lite knows who sends it something, and both
send plain text. A ps-lite server unpickles what it is sent; ours takes nothing but optimizers
(`gluonbook.rank.pickles`), which makes a mistake harmless, and not a hostile network.
"""

from gluonbook.launch.failure import LaunchFailed, LaunchTimedOut
from gluonbook.launch.launcher import Result, run
from gluonbook.launch.setup import LaunchError

__all__ = ["LaunchError", "LaunchFailed", "LaunchTimedOut", "Result", "run"]
