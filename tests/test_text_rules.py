"""No text is opened in an encoding that depends on the machine: ruff's PLW1514, and what that rule does not see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from sources import ROOT

REPOSITORY = ROOT.parents[1]
FILES = [file for folder in ("src", "scripts", "benchmarks") for file in sorted((REPOSITORY / folder).rglob("*.py"))]
BINARY_OPENERS = {"os", "tarfile", "zipfile", "gzip", "webbrowser", "Image"}  # what their `open` gives is no text
TEXT_OF_A_PATH = {"read_text": 0, "write_text": 1}  # and after how many arguments the encoding stands


def undecided(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls that let the machine's locale choose an encoding."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if "encoding" in named or None in named:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in TEXT_OF_A_PATH and isinstance(node.func, ast.Attribute):
            yield from [node] if len(node.args) <= TEXT_OF_A_PATH[name] else []
        elif name in ("run", "Popen", "check_output") and {"text", "universal_newlines"} & set(named):
            yield node
        elif name in ("open", "fdopen", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"):
            yield from [node] if _in_text_mode(node, name, named) else []


def _in_text_mode(call: ast.Call, name: str, named: dict) -> bool:
    owner = getattr(call.func, "value", None)
    if isinstance(owner, ast.Name) and owner.id in BINARY_OPENERS and name == "open":
        return False
    words = [*call.args, *named.values()]
    modes = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    modes = [mode for mode in modes if set(mode) <= set("rwxabt+")]
    return not any("b" in mode for mode in modes) if modes or name in ("open", "fdopen") else False


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_every_text_is_opened_in_a_certain_encoding(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert [ast.unparse(call) for call in undecided(tree)] == []


@pytest.mark.parametrize(
    ("code", "found"),
    {
        "path.read_text()": True,
        "path.read_text(errors='replace')": True,
        "path.read_text(encoding='utf-8')": False,
        "path.read_text('utf-8')": False,
        "path.write_text(text, 'utf-8')": False,
        "read_text(path)": False,
        "path.write_text(text)": True,
        "open(path)": True,
        "open(path, 'w')": True,
        "path.open()": True,
        "path.open('rb')": False,
        "open(path, mode='ab')": False,
        "os.open(path, os.O_RDONLY)": False,
        "os.fdopen(number, 'w')": True,
        "tarfile.open(path)": False,
        "tempfile.TemporaryFile()": False,
        "tempfile.NamedTemporaryFile('w+')": True,
        "subprocess.run(words, text=True)": True,
        "subprocess.run(words, universal_newlines=True)": True,
        "subprocess.run(words, text=True, encoding='utf-8')": False,
        "subprocess.run(words, capture_output=True)": False,
    }.items(),
)
def test_the_rule_finds_them(code, found):
    assert bool(list(undecided(ast.parse(code)))) is found
