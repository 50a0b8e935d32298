from __future__ import annotations

import json
import re
from pathlib import Path

from gluonbook import datasets, paths, series

README = Path(__file__).resolve().parents[2] / "data" / "README.md"


def test_the_manifest_describes_every_data_set():
    assert tuple(json.loads(paths.manifest_file().read_text())) == (*datasets.NAMES, *series.NAMES)
    page = README.read_text()
    for name in datasets.NAMES:
        info = datasets.info(name)
        assert all((info.title, info.licence, info.source, info.citation))
        assert len(datasets.CLASSES[name]) == 10
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert (f"{info.size / 1e6:.1f} MB" if info.size else "none") in row
        for form, pins in info.forms.items():
            assert form in ("embedded", "idx", "binary", "recordio")
            for file in pins:
                assert re.fullmatch("[0-9a-f]{64}", file.sha256)
                assert len(file.urls) == (0 if form == "recordio" else 2)
                assert all(url.endswith(f"/{file.name}") for url in file.urls)
                assert file.size > 0


def test_the_manifest_pins_no_file_twice():
    pins = [file.sha256 for name in datasets.NAMES for form in datasets.info(name).forms.values() for file in form]
    assert len(pins) == len(set(pins)) == 13
