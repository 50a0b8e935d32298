"""The helper package of the book: what its chapters share, and what readers take home."""

from gluonbook.machine import supported as _supported

_supported.check()

from gluonbook.machine import libraries as _libraries  # noqa: E402 - after the check: an old Python cannot read it

_libraries.check_before_mxnet()

__version__ = "1.0.0"
