"""Sphinx, in a process of its own.

Sphinx's extensions keep what they register in modules, and look about in the whole process: sphinx-external-toc asks
every living object for its class, and fails at a weak reference whose object is gone, whoever has left it there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys


def build_sphinx(**settings: object) -> int:
    """Run jupyter-book's function of this name; its messages go to standard error, its status is returned.

    Args:
        settings: its arguments, which have to survive the way through JSON.

    Returns:
        0 if Sphinx neither failed nor, where it was told to mind them, warned.
    """
    words = [sys.executable, "-m", __name__, str(os.getpid())]
    # In a session of its own, as kernels are: Linux shares out processors among sessions, and this one may be busy.
    run = subprocess.run(words, input=json.dumps(settings), text=True, encoding="utf-8", start_new_session=True)
    return run.returncode


def _main() -> int:
    # Imported here: whoever starts the process has no use for what it takes seconds to load.
    from jupyter_book.sphinx import build_sphinx as build

    from gluonbook.rank import lifeline

    lifeline.tie(int(sys.argv[1]))  # its messages would come, and its files be written, when nobody waits for them
    return 0 if build(**json.load(sys.stdin)) == 0 else 1


if __name__ == "__main__":
    sys.exit(_main())
