"""Initializers beside MXNet's own, one file each, for `net.initialize` and by name.

import gluonbook.initializers
nn.Conv2D(16, 3, padding=1, weight_initializer="deltaorthogonal")
"""

from gluonbook.initializers.delta_orthogonal import DeltaOrthogonal

__all__ = ["DeltaOrthogonal"]
