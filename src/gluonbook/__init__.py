"""The helper package of the book: what its chapters share, and what readers take home."""

from gluonbook.machine.environment import check as _check

__version__ = "0.1.0"

_check()
