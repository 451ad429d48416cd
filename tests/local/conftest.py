"""Data directories for real servers."""

import pytest

from hms.local.servers.servers import Servers


@pytest.fixture
def home(tmp_path):
    """A data directory with a long and unusual name; its servers are stopped afterwards."""
    path = tmp_path / ("Dr Koné's hospital, " + "very " * 25 + "far away") / "data"
    yield path
    servers = Servers(path, {})
    for server in (servers.valkey, servers.postgres):
        server.stop()
