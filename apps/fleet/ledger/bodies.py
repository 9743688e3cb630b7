"""What bodies of requests make of rows of the ledger, and what is wrong with them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices

from apps.accounts.problems import FieldError, InvalidParameters
from apps.fleet.ledger.resources import Resource
from apps.trucks.models import Truck, TruckGroup

_DECIMALS = ("litres", "rate")


def apply(resource: Resource, row: Any, payload: Any) -> None:
    """Puts what the body says into the row, and checks the whole of it. Raises InvalidParameters."""
    said = payload.model_dump(exclude_unset=True)
    errors: list[FieldError] = []
    for name, value in said.items():
        if name == resource.money:
            errors += _set_money(name, row, value)
        elif name in ("truck_id", "group"):
            errors += _set_relation(row, name, value)
        else:
            plain = value.value if isinstance(value, TextChoices) else value
            setattr(row, name, Decimal(plain) if name in _DECIMALS else plain)
    if not errors:
        errors = list(_refusals(resource, row))
    if errors:
        detail = "; ".join(f"{error.pointer.removeprefix('/body/')}: {error.detail}" for error in errors)
        raise InvalidParameters(f"{detail}.", errors)


def _set_money(name: str, row: Any, value: dict[str, str]) -> Iterator[FieldError]:
    setattr(row, name, Decimal(value["amount"]))
    if hasattr(row, "currency"):
        row.currency = value["currency"]
    elif value["currency"] != row.fleet.currency:
        yield FieldError(f"/body/{name}/currency", f"is not the fleet's, {row.fleet.currency}")


def _set_relation(row: Any, name: str, value: str | None) -> Iterator[FieldError]:
    if value is None:
        return
    model, column = (Truck, "code") if name == "truck_id" else (TruckGroup, "name")
    manager: Any = model._default_manager
    found = list(manager.filter(fleet=row.fleet_id, **{column: value})[:2])
    if len(found) == 1:
        setattr(row, name.removesuffix("_id"), found[0])
    else:
        yield FieldError(f"/body/{name}", "is the name of several" if found else "is not known in this fleet")


def _refusals(resource: Resource, row: Any) -> Iterator[FieldError]:
    """What the model refuses, each with the field of the body that it is about."""
    pointers = {"truck": "/truck_id", "currency": f"/{resource.money}/currency", "__all__": ""}
    if resource.money is None:
        pointers["currency"] = "/currency"
    else:
        pointers[resource.money] = f"/{resource.money}/amount"
    try:
        row.full_clean()
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            yield from (FieldError("/body" + pointers.get(name, f"/{name}"), text.rstrip(".")) for text in messages)
