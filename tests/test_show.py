"""The package's code, shown as it is."""

from __future__ import annotations

import ast

from gluonbook import models
from gluonbook.show import source
from gluonbook.training import History


def shown(thing: object) -> ast.stmt:
    """The one statement in the block of code."""
    first, *lines, last = source(thing).data.splitlines()
    assert (first, last) == ("```python", "```")
    (statement,) = ast.parse("\n".join(lines)).body
    return statement


def test_a_function_is_shown_whole():
    function = shown(models.lenet)
    assert isinstance(function, ast.FunctionDef) and function.name == "lenet"
    assert ast.get_docstring(function).startswith("LeNet for images of shape")
    assert ast.unparse(function.body[-1]) == "return net"


def test_a_method_loses_its_indentation():
    assert shown(History.from_json).name == "from_json"


def test_a_class_is_shown_with_its_decorators():
    assert [ast.unparse(decorator) for decorator in shown(History).decorator_list][-1] == "dataclass"
