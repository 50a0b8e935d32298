from __future__ import annotations

import pytest

from gluonbook import paths
from small_data import (
    Server,
    World,
    cifar_batches,
    pin_cifar,
    pinned,
    record_files,
    tar_gz,
)


@pytest.fixture
def server(monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def world(tmp_path, server, monkeypatch):
    world = World(tmp_path, server)
    monkeypatch.setattr(paths, "data_folder", lambda: world.cache)
    monkeypatch.setattr(paths, "manifest_file", lambda: world.manifest)
    monkeypatch.delenv("GLUONBOOK_DATA", raising=False)
    return world


@pytest.fixture
def own(world, monkeypatch):
    """The user's folder, set and empty."""
    world.own.mkdir()
    monkeypatch.setenv("GLUONBOOK_DATA", str(world.own))
    return world.own


@pytest.fixture
def records(world, tmp_path):
    (tmp_path / "records").mkdir()
    made = record_files(tmp_path / "records", labels=[3, 1, 4, 1, 5, 9, 2])
    batches = cifar_batches()
    recordio = [pinned(name, data) for name, data in made.items()]
    pin_cifar(world, tar_gz(batches), batches, recordio=recordio)
    return made
