"""What a module's tests begin with is there for each, as it was made."""

import pytest
from django.db import connections, transaction

from apps.accounts.models import Fleet
from tests import rows
from tests.lasting import Around, Lasting, anew


@pytest.fixture(scope="module")
def once(lasting: Lasting[Fleet]) -> Fleet:
    return lasting(lambda: rows.fleet("Once"))


@pytest.fixture
def fleet(db: None, once: Fleet) -> Fleet:
    return anew(once)


made_for: set[int] = set()


@pytest.mark.parametrize("_", range(2))
def test_another_test_finds_what_this_one_changed_as_it_was(_: int, fleet: Fleet) -> None:
    assert (fleet.name, Fleet.objects.count()) == ("Once", 1)
    made_for.add(fleet.pk)
    assert len(made_for) == 1
    Fleet.objects.update(name="changed")
    rows.fleet("Another")


def test_what_a_test_breaks_off_takes_nothing_of_it_along(fleet: Fleet) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Fleet.objects.all().delete()
        raise ZeroDivisionError
    assert Fleet.objects.count() == 1


def test_durable_blocks_may_be_inside(fleet: Fleet) -> None:
    with transaction.atomic(durable=True):
        fleet.save()


@pytest.mark.django_db(transaction=True)
def test_a_test_that_commits_finds_none_of_it() -> None:
    assert Around.open is None
    assert not connections["default"].in_atomic_block
    assert not Fleet.objects.exists()
