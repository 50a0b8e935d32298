"""Show things in a notebook: the package's own code, so that nothing is copied from it, and whatever else is rich."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import IPython.display as ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle, Markdown


def source(thing: Callable[..., Any]) -> Markdown:
    """The source of a function, method or class of the package, as a highlighted block."""
    return Markdown(f"```python\n{textwrap.dedent(inspect.getsource(thing))}```")


def display(data: Mapping[str, str], metadata: Mapping[str, Any], **options: Any) -> DisplayHandle | None:
    """Show a MIME bundle where there is IPython; a plain interpreter prints its "text/plain".

    `options` are those of `IPython.display.display`, and what is returned is what that returns.
    """
    if InteractiveShell.initialized():
        return ipython.display(data, metadata=metadata, raw=True, **options)
    print(data["text/plain"])
    return None
