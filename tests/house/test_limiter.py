"""The rate limiter keeps counting for the first application when the process makes another one."""

from __future__ import annotations

from hms.core.web.rate_limits import limiter
from tests import servers
from tests.apps import app_beside
from tests.conftest import config_for


def test_another_application_does_not_take_the_limiter_with_it(app):
    before = limiter.storage
    app_beside(config_for(servers.postgres_url("postgres"), redis_url="redis://127.0.0.1:1/0"))
    assert limiter.storage is before
    limiter.reset()
