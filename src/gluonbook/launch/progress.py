"""What a reader sees of a run while it lasts: how far the slowest rank is, and what some ranks print."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final


@final
class Progress:
    """A bar of steps, and above it the lines of the ranks in `show`, as they come. Use it as a context.

    The bar is that of `tqdm`, and hidden where `TQDM_DISABLE=1` is set, as in the builds of the book.
    """

    def __init__(self, workers: Sequence[str], files: Mapping[str, Path], show: Sequence[int], quiet: bool) -> None:
        from tqdm.auto import tqdm  # here, because every part of a run imports this package, and none needs a bar

        self.workers = workers
        self.shown = {} if quiet else {workers[rank]: files[workers[rank]] for rank in show}
        self.read = dict.fromkeys(self.shown, 0)
        hidden = quiet or os.environ.get("TQDM_DISABLE") == "1"
        self.bar = tqdm(desc=f"{len(workers)} workers", unit="step", leave=False, disable=hidden)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._print_new(last=True)
        self.bar.close()

    def update(self, steps: Mapping[str, int]) -> None:
        """Show how far the run is: the bar counts the steps that all ranks have begun."""
        self._print_new()
        common = min(steps.values()) if len(steps) == len(self.workers) else 0
        if common > self.bar.n:
            ahead = max(steps.values())
            self.bar.set_postfix_str(f"fastest at {ahead}" if ahead > common + 1 else "", refresh=False)
            self.bar.update(common - self.bar.n)

    def _print_new(self, last: bool = False) -> None:
        for name, file in self.shown.items():
            with file.open("rb") as log:
                log.seek(self.read[name])
                new = log.read()
            whole = new if last else new[: new.rfind(b"\n") + 1]
            self.read[name] += len(whole)
            prefix = f"[{name}] " if len(self.shown) > 1 else ""
            for line in whole.decode(errors="replace").splitlines():
                self.bar.write(_writable(prefix + line))


def _writable(line: str) -> str:
    """The line with question marks for what the output has no characters for: a healthy run is not to fail by that."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return line.encode(encoding, "replace").decode(encoding)
