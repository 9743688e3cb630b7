"""A server as production runs it, on the tests' database, and one browser for all tests of this directory.

The rows are committed, since the server reads them by connections of its own. They are made once, and removed at the
end.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests.browser import browser
from tests.browser.browser import Browser

if TYPE_CHECKING:  # models are not there yet when this is imported
    from tests.browser.fleets import Fleets

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "var" / "browser"
PATIENCE_S = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of this directory last: after them the database is empty, of what migrations wrote too."""
    items.sort(key=_is_here)
    if not (browser.CHROMIUM and browser.DRIVER):
        for item in filter(_is_here, items):
            item.add_marker(pytest.mark.skip(browser.WHY_NOT))


def _is_here(item: pytest.Item) -> bool:
    return item.path.is_relative_to(Path(__file__).parent)


@pytest.fixture(scope="package")
def fleets(django_db_setup: None, django_db_blocker: Any) -> Iterator["Fleets"]:
    from tests.browser.fleets import make

    with django_db_blocker.unblock():
        try:
            yield make()
        finally:
            connection.close()
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="package")
def server(fleets: "Fleets", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on the database of the tests."""
    with socket.create_server(("127.0.0.1", 0)) as once_free:
        port = once_free.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    url = "mysql://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**settings.DATABASES["default"])
    database = url + str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DATABASE_URL": database, "SITE_URL": site, "LOG_LEVEL": "WARNING"}
    log = tmp_path_factory.mktemp("server") / "web.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [ROOT / "scripts" / "web", "--port", str(port), "--workers", "1"],
            env=environment, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for(f"{site}/healthz", process, log)
            yield site
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no server: {log.read_text()}")


@pytest.fixture(scope="package")
def signed_in(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser.running(server, tmp_path_factory.mktemp("chromium")) as running:
        running.open("/admin/")
        running.sign_in()
        yield running


@pytest.fixture
def page(signed_in: Browser, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The browser. A test that fails leaves a picture of what was there, in var/browser."""
    signed_in.console_errors()  # those of another test
    yield signed_in
    if getattr(request.node, "has_failed", False):
        signed_in.picture(PICTURES / f"{request.node.name}.png")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
    return report
