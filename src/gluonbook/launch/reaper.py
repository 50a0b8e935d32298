"""The process that tidies up when the launcher cannot: it outlives a launcher's kill -9, or a notebook kernel's.

    python -m gluonbook.launch.reaper RUN LAUNCHER FOLDER

It has a session of its own, since a kernel takes its whole process group along. It sleeps until its parent is no
longer LAUNCHER; then it kills what carries the mark of RUN, and removes FOLDER with the notes of the run.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

from gluonbook.launch import members, shared_memory


def main() -> None:
    run, launcher, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it goes when its launcher goes, and not before
    begun = time.time()
    while os.getppid() == launcher:
        time.sleep(0.05)
    members.end(run)
    shared_memory.sweep(since=begun)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
