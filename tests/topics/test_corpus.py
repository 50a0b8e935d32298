"""Docstrings of packages, on a package that is written here."""

from __future__ import annotations

import sys

import pytest

from gluonbook.topics import docstrings

LONG = "one two three four five six seven"


@pytest.fixture
def packages(tmp_path, monkeypatch):
    for name, files in {
        "heron": {
            "__init__.py": f'"""{LONG}, of a module."""\nraise SystemExit("it is parsed, not imported")\n',
            "b.py": f'class A:\n    """{LONG}, b"""\n    async def f(self):\n        """{LONG},\n        async"""\n',
            "a.py": f'def e():\n    class E:\n        """{LONG}, inside"""\n'
            f'def f():\n    """{LONG}, a"""\n    def g():\n        """short"""\n',
            "tests/test_a.py": f'def f():\n    """{LONG}, test"""\n',
            "broken.py": "def f(:\n",
            "nul.py": "\0",
            "latin.py": b'# -*- coding: latin-1 -*-\ndef f():\n    """' + LONG.encode() + b' gr\xfcn"""\n',
            "escape.py": f'def f():\n    """{LONG}, \\d"""\n',
        },
        "stork": {"__init__.py": f'def f():\n    """{LONG}, a"""\ndef g():\n    """{LONG}, stork"""\n'},
    }.items():
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "heron/gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "heron/folder.py").mkdir()
    (tmp_path / "crane.py").write_text(f'def f():\n    """{LONG}"""\n', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return ["heron", "stork"]


def test_it_reads_those_that_are_long_enough_each_once_in_the_order_of_files(packages, recwarn):
    texts, numbers = docstrings(packages, shortest=7)
    assert texts == [f"{LONG}{end}" for end in (", a", ", inside", ", b", ",\nasync", ", \\d", " grün", ", stork")]
    assert numbers.tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert not recwarn.list
    assert "heron" not in sys.modules


def test_shorter_ones_are_left_out(packages):
    assert docstrings(packages, shortest=9)[0] == []
    assert len(docstrings(packages, shortest=1)[0]) == 8


@pytest.mark.parametrize("name", ["no_such_package", "crane", "heron.tests", "", "../heron", "sys", "__main__", 3])
def test_what_is_no_installed_package_is_refused(packages, name):
    with pytest.raises(ValueError, match=r"packages must be installed.*there is no"):
        docstrings(["heron", name])


def test_a_name_alone_is_no_list(packages):
    with pytest.raises(ValueError, match="list of names, got 'heron'"):
        docstrings("heron")
