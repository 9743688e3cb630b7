"""Key cards that devices read: the logins that messages tell of, and what they say of who has a truck."""

from collections.abc import Collection, Iterable

from apps.accounts.calendar import as_utc
from apps.accounts.models import Fleet
from apps.trucks import drivers
from apps.trucks.assignments import LONGEST_LOGIN_S, Assignment, Login, Source, logged_in
from apps.trucks.messages.normal import KEY_CARD, Received, key_card_of
from apps.trucks.models import Driver, DriverAssignment, DriverLogin, Truck

Key = tuple[int, int]  # of a message: second, digest


def keep(truck: Truck, messages: Iterable[Received], telling: Collection[Key]) -> None:
    """Keeps the key cards of those of the messages that are new and tell of one, in the transaction that stores them.

    Repeating it changes nothing.
    """
    telling_of = [each for each in messages if each.key in telling] if telling else []
    found = [(each, card) for each in telling_of if (card := key_card_of(each.message)) is not None]
    if not found:
        return
    owners = _owners(truck.fleet_id)
    rows = [
        DriverLogin(
            fleet_id=truck.fleet_id,
            truck_id=truck.pk,
            t=each.t,
            digest=each.digest,
            key_card=card,
            driver_id=owners.get(card.upper()),
        )
        for each, card in found
    ]
    DriverLogin.objects.bulk_create(rows, ignore_conflicts=True)
    _renew(truck, min(row.t for row in rows), max(row.t for row in rows))


def remove(truck: Truck, gone: Iterable[tuple[int, int, int]]) -> None:
    """Forgets the key cards of removed messages (second, digest, flags), in the transaction that removes these."""
    keys = [(t, digest) for t, digest, flags in gone if flags & KEY_CARD]
    if not keys:
        return
    of_truck = DriverLogin.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk)
    for t, digest in keys:
        of_truck.filter(t=t, digest=digest).delete()
    _renew(truck, min(keys)[0], max(keys)[0])


def recognise(fleet: Fleet) -> None:
    """Gives logins of unknown cards to the drivers who have these cards by now."""
    owners = _owners(fleet.pk)
    unknown = DriverLogin.objects.filter(fleet_id=fleet.pk, driver_id=None).exclude(key_card="")
    found: dict[int, list[DriverLogin]] = {}
    for row in unknown:
        if (driver_id := owners.get(row.key_card.upper())) is not None:
            row.driver_id = driver_id
            found.setdefault(row.truck_id, []).append(row)
    for truck in Truck.objects.filter(pk__in=list(found)):
        rows = found[truck.pk]
        DriverLogin.objects.bulk_update(rows, ["driver_id"])
        _renew(truck, min(row.t for row in rows), max(row.t for row in rows))


def _owners(fleet_id: int) -> dict[str, int]:
    """Key card in capitals → the one driver who has it; of a card that several have nobody knows whose it is."""
    cards = Driver.objects.filter(fleet=fleet_id, is_active=True).exclude(key_card="").values_list("key_card", "pk")
    found: dict[str, set[int]] = {}
    for card, driver_id in cards:
        found.setdefault(card.upper(), set()).add(driver_id)
    return {card: next(iter(owners)) for card, owners in found.items() if len(owners) == 1}


def _renew(truck: Truck, first_t: int, last_t: int) -> None:
    """Derives anew what logins up to `last_t`, from the one before `first_t` on, say, and marks days that change."""
    of_truck = DriverLogin.objects.filter(fleet_id=truck.fleet_id, truck_id=truck.pk)
    before_t = of_truck.filter(t__lt=first_t).order_by("-t").values_list("t", flat=True).first()
    first_t = first_t if before_t is None else before_t
    known = of_truck.filter(t__gte=first_t, t__lte=last_t + LONGEST_LOGIN_S).order_by("t", "digest")
    said = logged_in(Login(*row) for row in known.values_list("t", "driver_id"))
    wanted = {_key(each): each for each in said if each.start <= last_t}
    from_here = DriverAssignment.objects.filter(truck=truck, source=Source.MESSAGE, started_at__gte=as_utc(first_t))
    stored = {_row_key(row): row for row in from_here.filter(started_at__lte=as_utc(last_t))}
    gone = [row.pk for key, row in stored.items() if key not in wanted]
    new = [_row(truck, each) for key, each in wanted.items() if key not in stored]

    def write() -> None:
        DriverAssignment.objects.filter(pk__in=gone).delete()
        DriverAssignment.objects.bulk_create(new)

    if gone or new:
        drivers.change(truck.fleet, [truck.pk], write)


def _key(each: Assignment) -> tuple[int, int, int | None]:
    return each.driver_id, each.start, each.end


def _row_key(row: DriverAssignment) -> tuple[int, int, int | None]:
    end = None if row.ended_at is None else int(row.ended_at.timestamp())
    return row.driver_id, int(row.started_at.timestamp()), end


def _row(truck: Truck, each: Assignment) -> DriverAssignment:
    return DriverAssignment(
        fleet_id=truck.fleet_id,
        truck=truck,
        driver_id=each.driver_id,
        started_at=as_utc(each.start),
        ended_at=None if each.end is None else as_utc(each.end),
        source=Source.MESSAGE.value,
    )
