from pathlib import Path

import pooch
import pytest

from gluonbook import paths


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package folder `root/src/gluonbook`, not yet a checkout."""
    folder = tmp_path / "src" / "gluonbook"
    folder.mkdir(parents=True)
    monkeypatch.setattr(paths, "PACKAGE", folder)
    return folder


def test_the_tests_run_from_a_checkout():
    root = Path(__file__).resolve().parents[1]
    assert paths.checkout() == root
    assert paths.data_folder() == root / "data"
    assert paths.manifest_file() == root / "data" / "manifest.json"


def test_a_checkout_is_where_the_table_of_contents_is(package, tmp_path):
    assert paths.checkout() is None
    (tmp_path / "_toc.yml").touch()
    assert paths.checkout() == tmp_path
    assert paths.data_folder() == tmp_path / "data"


def test_an_installed_package_is_no_checkout_whatever_lies_above_it(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "lib" / "site-packages" / "gluonbook")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "_toc.yml").touch()
    assert paths.checkout() is None


def test_installed_it_uses_the_users_cache_and_its_own_manifest(package):
    assert paths.data_folder() == Path(pooch.os_cache("gluonbook"))
    with pytest.raises(FileNotFoundError, match=r"manifest.*manifest\.json"):
        paths.manifest_file()
    (package / "manifest.json").write_text("{}")
    assert paths.manifest_file() == package / "manifest.json"
