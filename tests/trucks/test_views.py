"""The admin's views of computed rows have what their tables have: a view's columns are fixed when it is made."""

import pytest
from django.apps import apps
from django.db import connection

from apps.trucks.models.views import Row

VIEWS = [model for model in apps.get_models() if issubclass(model, Row)]


def columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}


@pytest.mark.django_db
@pytest.mark.parametrize("model", VIEWS)
def test_a_view_has_all_columns_of_its_table_and_the_key(model: type[Row]) -> None:
    view = model._meta.db_table
    assert columns(view) == {"key", *columns(view.removeprefix("admin_"))}
