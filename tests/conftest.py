"""Before Django loads: the office's home is a folder of the test run, never the one in which somebody works."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import django
import pytest
from django.conf import settings
from django.db import connections

from gradschool.office import databases, environment

from .postgresql import Cluster, why_not

os.environ["GRADSCHOOL_HOME"] = tempfile.mkdtemp(prefix="gradschool-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "gradschool.office.settings"
os.environ.pop("GRADSCHOOL_DATABASE", None)

django.setup()

CLUSTERS: list[Cluster] = []  # one for a whole run, made when first asked for


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="What the office's tests run on; for postgresql a throw-away cluster is made.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("database") != "postgresql":
        return
    if reason := why_not():
        pytest.exit(f"--database postgresql cannot be had: {reason}.", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_DATABASE", _cluster().database())
        chosen = {"default": databases.of(environment.database(), settings.HOME)}
    settings.DATABASES = chosen
    connections.settings = connections.configure_settings(chosen)
    del connections["default"]
    config.option.reuse_db = True  # the cluster goes as a whole; servers of live pages may still hold connections


def pytest_unconfigure() -> None:
    while CLUSTERS:
        CLUSTERS.pop().close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A throw-away PostgreSQL, shared by the tests of a run; `postgresql.database()` is an empty database in it."""
    if reason := why_not():
        pytest.skip(reason)
    return _cluster()


def _cluster() -> Cluster:
    if not CLUSTERS:
        CLUSTERS.append(Cluster())
    return CLUSTERS[0]
