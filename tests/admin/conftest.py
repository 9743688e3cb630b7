"""Who looks at the admin, and when."""

from collections.abc import Iterator

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from tests import rows


@pytest.fixture
def as_root(client: Client, db: None) -> None:
    """The test's client is a superuser's, who may do everything in all fleets."""
    client.force_login(User.objects.create_superuser("root"))


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon of the day that `rows` are of, and stays so."""
    with time_machine.travel(rows.NOON, tick=False):
        yield
