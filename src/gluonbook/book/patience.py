"""How long a cell may take: what is stuck is ended, what has to wait for its turn on a busy machine is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, final

from gluonbook.machine.load import Limit

_POLL = 0.5


@final
class Watch:
    """Whether the present cell is stuck: it takes more than `seconds` of a quiet machine (see `load.Limit`)."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.stuck = seconds, False
        self._cell: tuple[float, Limit] | None = None  # none yet while the kernel is starting
        self._over = threading.Event()

    def begin(self) -> None:
        """A cell begins, and with it its time."""
        self._cell = time.monotonic(), Limit(self.seconds)

    @contextmanager
    def until_stuck(self, end: Callable[[], None]) -> Iterator[None]:
        """Watch while the context lasts; if a cell is stuck, call `end` once, from another thread."""
        thread = threading.Thread(target=self._wait, args=(end,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _wait(self, end: Callable[[], None]) -> None:
        while not self._over.wait(_POLL):
            cell = self._cell
            if cell and cell[1].passed(time.monotonic() - cell[0]) and cell is self._cell:
                self.stuck = True
                end()
                return
