"""Mails to a fleet's staff about what only they can mend."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage

from apps.accounts.models import Fleet
from apps.trucks.sync import leases

logger = logging.getLogger(__name__)


def tell_of_refused_logins(fleet: Fleet, error: str) -> int:
    """Tells the fleet's staff, once until a login succeeds, that Wialon refuses its token. How many were told."""
    if not leases.claim_notice(fleet.id):
        return 0
    addresses = _staff_addresses(fleet)
    try:
        told = sum(EmailMessage(*_wording(fleet, error), to=[address]).send() for address in addresses)
    except (SMTPException, OSError):
        leases.give_back_notice(fleet.id)
        logger.warning("staff not told of refused logins", extra={"fleet": fleet.id}, exc_info=True)
        return 0
    logger.warning("logins refused, staff told", extra={"fleet": fleet.id, "mails": told})
    return told


def _staff_addresses(fleet: Fleet) -> list[str]:
    staff = get_user_model().objects.filter(fleet_memberships__fleet=fleet, is_staff=True, is_active=True)
    return sorted(set(staff.exclude(email="").values_list("email", flat=True)))


def _wording(fleet: Fleet, error: str) -> tuple[str, str]:
    page = f"{settings.SITE_URL.rstrip('/')}/admin/accounts/fleet/{fleet.pk}/change/"
    subject = f"{fleet.name}: Wialon refuses the token"
    hours = leases.PROBE_S // 3600
    body = (
        f"Wialon has refused the token of {fleet.name} {leases.REFUSALS} times in a row:\n\n    {error}\n\n"
        f"Its trucks are not synchronised until the token is valid again. Enter a new one at\n{page}\n\n"
        f"The old one is tried again every {hours} hours. What was missed is loaded then; nothing is lost.\n"
    )
    return subject, body
