"""Who looks at the admin, and when."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from tests import rows


@pytest.fixture(scope="session")
def middleware() -> Callable[..., Any]:
    handler = Client().handler
    handler.load_middleware()
    return handler._middleware_chain


@pytest.fixture
def client(client: Client, middleware: Callable[..., Any]) -> Client:
    """One that shares the middleware with those of other tests: each would look through all static files anew."""
    client.handler._middleware_chain = middleware
    return client


@pytest.fixture
def as_root(client: Client, db: None) -> None:
    """The test's client is a superuser's, who may do everything in all fleets."""
    client.force_login(User.objects.create_superuser("root"))


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon of the day that `rows` are of, and stays so."""
    with time_machine.travel(rows.NOON, tick=False):
        yield
