"""What a data set raises."""

from __future__ import annotations


class DatasetError(RuntimeError):
    """A file of a data set is missing or damaged; the message says which, what was found, and what to do."""
