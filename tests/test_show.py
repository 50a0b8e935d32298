"""The package's code, shown as it is."""

from __future__ import annotations

import inspect

from gluonbook import models
from gluonbook.show import source
from gluonbook.training import History


def test_a_function_is_shown_whole():
    assert source(models.lenet).data == f"```python\n{inspect.getsource(models.lenet)}```"


def test_a_method_loses_its_indentation():
    method = next(value for value in vars(History).values() if inspect.isfunction(value))
    first = source(method).data.splitlines()[1]
    assert first == first.lstrip()
