"""How thorough tests are: `make faults` repeats what luck decides, and tries all where one stands for others else."""

from __future__ import annotations

import os

import pytest

FULL = os.environ.get("GLUONBOOK_FAULTS") == "full"


def in_full(otherwise: str) -> pytest.MarkDecorator:
    """For a test of `make faults` alone; it says what is tried otherwise."""
    return pytest.mark.skipif(not FULL, reason=f"of `make faults`; otherwise {otherwise}")
