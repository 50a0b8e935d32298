"""The book's exercises, checked: `check("name", answer)` tells right from wrong, and gives a hint.

The checks of a chapter stand in the module of its name; importing this package registers them all.
"""

from importlib import import_module
from pkgutil import iter_modules

from gluonbook.exercises.checking import Hint, by_chapter, check, names

__all__ = ["Hint", "by_chapter", "check", "names"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
