"""Show the package's own code in a chapter, so that nothing is copied from one into the other."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import Markdown


def source(thing: Callable[..., Any]) -> Markdown:
    """The source of a function, method or class of the package, as a highlighted block."""
    return Markdown(f"```python\n{textwrap.dedent(inspect.getsource(thing))}```")
