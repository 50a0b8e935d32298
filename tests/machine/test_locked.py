from __future__ import annotations

from packaging.requirements import Requirement

from gluonbook.machine import locked

LOCK = """\
# a comment
numpy==1.23.5 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
tomli==2.0.1 ; python_full_version < "3.11" \\
    --hash=sha256:cc
"""


def test_entries_keep_their_hashes_and_say_who_needs_them(tmp_path):
    (tmp_path / "lock.txt").write_text(LOCK)
    numpy, tomli = locked.read(tmp_path / "lock.txt")
    assert numpy == locked.Pinned(Requirement("numpy==1.23.5"), ("sha256:aa", "sha256:bb"))
    assert numpy.line() == "numpy==1.23.5 --hash=sha256:aa --hash=sha256:bb"
    assert tomli.line() == "tomli==2.0.1 --hash=sha256:cc"
    assert numpy.applies() and numpy.applies({"python_full_version": "3.9.1"})
    assert [tomli.applies({"python_full_version": version}) for version in ("3.10.9", "3.11.0")] == [True, False]
