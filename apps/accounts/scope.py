"""Which fleets a member of staff may see, and which one a page is about."""

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from apps.accounts.models import Fleet

_FLEETS = "_fleets_of_staff"


def visible_fleets(user: User | AnonymousUser) -> QuerySet[Fleet]:
    """The fleets of which the user is a member; superusers see all. Without their tokens, which no page needs."""
    fleets = Fleet.objects.defer("wialon_token")
    if isinstance(user, AnonymousUser) or not user.is_active:
        return fleets.none()
    return fleets if user.is_superuser else fleets.filter(memberships__user=user)


def fleets_of(request: HttpRequest) -> list[Fleet]:
    """The visible fleets by name, read once per request."""
    if not hasattr(request, _FLEETS):
        setattr(request, _FLEETS, list(visible_fleets(request.user)))
    fleets: list[Fleet] = getattr(request, _FLEETS)
    return fleets


def chosen_fleet(request: HttpRequest) -> Fleet | None:
    """The fleet that a page about a single one shows: as the address says, else as chosen last, else the first."""
    fleets = {str(fleet.pk): fleet for fleet in fleets_of(request)}
    asked, last = request.GET.get("fleet", ""), str(request.session.get("fleet", ""))
    if asked in fleets and asked != last:
        request.session["fleet"] = asked
    return fleets.get(asked) or fleets.get(last) or next(iter(fleets.values()), None)


def asked_fleet(request: HttpRequest) -> Fleet | None:
    """The chosen fleet. Raises Http404 if the address names one that the reader does not see."""
    wanted = request.GET.get("fleet")
    if wanted and wanted not in {str(fleet.pk) for fleet in fleets_of(request)}:
        raise Http404("no such fleet")
    return chosen_fleet(request)
