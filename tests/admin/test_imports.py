"""A file in the admin: brought, previewed, written, undone; and by whom."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Fleet, FleetMembership
from apps.fleet.imports import sheets
from apps.fleet.models import CostEntry, LedgerImport
from tests import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]

ADD = "admin:fleet_ledgerimport_add"
GOOD = b"line,amount,currency,truck,covers_from\ntolls,1250.50,USD,T-1,2026-03-05\ntires,80,USD,,2026-03-06\n"
BAD = GOOD.replace(b"T-1", b"=T-9")


@pytest.fixture
def fleet() -> Fleet:
    made = rows.fleet()
    rows.known(rows.truck(made, "T-1"), first_t=int(rows.NOON.timestamp()) - 9 * 86_400)
    return made


def member(fleet: Fleet, *rights: str) -> User:
    user = User.objects.create_user("member", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    FleetMembership.objects.create(fleet=fleet, user=user)
    return user


@pytest.fixture
def staff(client: Client, fleet: Fleet) -> Client:
    client.force_login(member(fleet, "add_ledgerimport", "delete_ledgerimport"))
    return client


def upload(client: Client, fleet: Fleet, content: bytes, **changes: Any) -> Any:
    form = {"fleet": fleet.pk, "kind": "entries", "file": SimpleUploadedFile("costs.csv", content), **changes}
    return client.post(reverse(ADD), form, follow=True)


def decide(client: Client, what: str, pk: int | None = None) -> Any:
    pk = pk or LedgerImport.objects.latest("pk").pk
    return client.post(reverse("admin:fleet_ledgerimport_decide", args=[pk, what]), follow=True)


def test_a_file_is_previewed_written_and_undone(staff: Client, fleet: Fleet) -> None:
    preview = upload(staff, fleet, GOOD)
    text = preview.content.decode()
    assert "2 rows are ready to be written" in text and "2 truck-days of 1 truck will" in text
    assert "1,330.50 USD" in text and "CSV, UTF-8, separated by commas" in text
    assert not CostEntry.objects.exists()

    text = decide(staff, "write").content.decode()
    assert "2 rows are in the ledger." in text and "2 truck-days are being computed anew" in text
    entry = CostEntry.objects.get(line="tolls")
    origin = reverse("admin:fleet_ledgerimport_change", args=[entry.imported_id])
    assert origin in staff.get(reverse("admin:fleet_costentry_change", args=[entry.pk])).content.decode()

    again = upload(staff, fleet, GOOD).content.decode()
    assert "This file is in the ledger already" in again and "by member on 2026-03-10 12:00 CDT, 2 rows" in again
    assert decide(staff, "write").status_code == 404, "it is written"

    text = decide(staff, "undo").content.decode()
    assert "The 2 rows of costs.csv were removed" in text
    assert not CostEntry.objects.exists() and not LedgerImport.objects.exists()


def test_a_bad_row_holds_back_the_file_and_is_named(staff: Client, fleet: Fleet) -> None:
    text = upload(staff, fleet, BAD).content.decode()
    assert "Nothing can be written: 1 of 2 rows are wrong" in text
    assert "Please correct the errors" not in text
    assert "=T-9</td><td>is no truck of the fleet</td>" in text
    assert "Write 2 rows" not in text
    assert "1 of 2 rows are wrong: nothing was written" in decide(staff, "write").content.decode()
    assert not CostEntry.objects.exists()
    errors = staff.get(reverse("admin:fleet_ledgerimport_errors", args=[LedgerImport.objects.get().pk]))
    assert "2,truck,'=T-9,is no truck of the fleet," in errors.content.decode()
    decide(staff, "discard")
    assert not LedgerImport.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The submitted file is empty"),
        (b"line,amount\n1,2\n", "the column currency is missing"),
        (b"\x00\x01", "neither XLSX nor text"),
        (b"x" * (sheets.MAX_BYTES + 1), "more than 10,000,000 bytes"),
    ],
    ids=["empty", "columns", "binary", "large"],
)
def test_what_is_no_table_is_refused_at_once(staff: Client, fleet: Fleet, content: bytes, why: str) -> None:
    assert why in upload(staff, fleet, content).content.decode()
    assert not LedgerImport.objects.exists()


def test_a_preview_has_amounts_with_the_places_of_their_column(staff: Client, fleet: Fleet) -> None:
    text = upload(staff, fleet, b"line,amount,currency,covers_from\ntolls,1330,USD,2026-03-05\n").content.decode()
    assert "<td>1,330.00</td>" in re.sub(r"\s*(</?td)[^>]*>\s*", r"\1>", text)


def test_conventions_can_be_said(staff: Client, fleet: Fleet) -> None:
    content = GOOD.replace(b"1250.50", b'"1,250"').replace(b"2026-03-05", b"05/03/2026")
    assert "may be 1250 or 1.250" in upload(staff, fleet, content).content.decode()
    text = upload(staff, fleet, content, decimal="point", dates="day first").content.decode()
    assert "2 rows are ready" in text and "2026-03-05" in text


def test_templates_can_be_had(staff: Client, fleet: Fleet) -> None:
    page = staff.get(reverse(ADD)).content.decode()
    for kind in LedgerImport.Kind.values:
        for suffix, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            address = reverse("admin:fleet_ledgerimport_template", args=[kind, suffix])
            assert address in page
            assert staff.get(address).content.startswith(start)
    assert staff.get(reverse("admin:fleet_ledgerimport_template", args=["nothing", "csv"])).status_code == 404


def test_who_has_no_right_to_import_can_only_look(client: Client, fleet: Fleet) -> None:
    client.force_login(member(fleet))
    assert client.get(reverse(ADD)).status_code == 403
    made = LedgerImport.objects.create(
        fleet=fleet, kind="entries", file_name="costs.csv", sha256="a" * 64, content=GOOD, created_by="other"
    )
    page = client.get(reverse("admin:fleet_ledgerimport_change", args=[made.pk]))
    assert "2 rows are ready" in page.content.decode() and "Write 2 rows" not in page.content.decode()
    for what in ("write", "discard", "undo"):
        assert decide(client, what).status_code == 404
    assert LedgerImport.objects.get().stored_at is None


def test_files_of_another_fleet_can_be_neither_seen_nor_decided_on(staff: Client, fleet: Fleet) -> None:
    other = rows.fleet("Bravo Logistics")
    made = LedgerImport.objects.create(
        fleet=other, kind="entries", file_name="bravo.csv", sha256="a" * 64, content=GOOD, created_by="other"
    )
    for what in ("write", "discard", "undo"):
        assert decide(staff, what, made.pk).status_code == 404
    assert staff.get(reverse("admin:fleet_ledgerimport_errors", args=[made.pk])).status_code == 404
    assert "Select a valid choice" in upload(staff, other, GOOD).content.decode()
    assert LedgerImport.objects.count() == 1


def test_a_link_writes_nothing(staff: Client, fleet: Fleet) -> None:
    upload(staff, fleet, GOOD)
    address = reverse("admin:fleet_ledgerimport_decide", args=[LedgerImport.objects.get().pk, "write"])
    assert staff.get(address).status_code == 405
    assert not CostEntry.objects.exists()


def test_the_button_says_that_a_preview_comes(staff: Client) -> None:
    assert re.search(r'name="_save"[^>]*>\s*Upload and preview\s*<', staff.get(reverse(ADD)).content.decode())
