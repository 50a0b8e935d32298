"""The modules of the package, as they are written."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import gluonbook

ROOT = Path(gluonbook.__file__).parent
MODULES = {
    ".".join(("gluonbook", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): file
    for file in sorted(ROOT.rglob("*.py"))
}


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())
