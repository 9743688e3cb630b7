"""What a member of staff may let an API key do: nothing that they may not do themselves in the admin."""

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User

from apps.accounts.keys import SCOPES


def _changes_of(app: str, models: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{app}.{verb}_{model}" for model in models for verb in ("add", "change", "delete"))


_LEDGER = ("costentry", "costrate", "fuelprice", "fuelpurchase", "exchangerate")
_RIGHTS = {
    "read": frozenset[str](),  # who makes a key is a member of its fleet, and members see all of it
    "write:costs": _changes_of("fleet", _LEDGER) | {"fleet.add_ledgerimport"},
    "write:reports": _changes_of("fleet", ["reportschedule"]),
    "run:backfill": frozenset({"trucks.add_backfill", "trucks.change_backfill"}),
}
# Permissions of Django, by scope. Who may make keys of other scopes through a key needs the rights of these, too.
SCOPE_RIGHTS = {
    **_RIGHTS,
    "admin": frozenset({"accounts.add_apikey", "accounts.change_apikey"}).union(*_RIGHTS.values()),
}


def grantable_scopes(user: User | AnonymousUser) -> tuple[str, ...]:
    """The scopes that a key may have which the user makes, in the order of `SCOPES`; for superusers all."""
    return tuple(scope for scope in SCOPES if user.has_perms(SCOPE_RIGHTS[scope]))
