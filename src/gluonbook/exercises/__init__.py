"""The book's exercises, checked: `check("name", answer)` tells right from wrong, and gives a hint."""

from gluonbook.exercises import convnets, gluon
from gluonbook.exercises.checking import Hint, check, names

__all__ = ["Hint", "check", "convnets", "gluon", "names"]
