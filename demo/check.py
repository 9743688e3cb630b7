"""What `scripts/demo --check` asks of the running system: every endpoint, a mail, a green sync, moving figures."""

import datetime as dt
import email
import email.policy
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from django.db.models import Max, Sum

from apps.accounts.models import Fleet
from apps.fleet.models import ReportDelivery
from apps.trucks.models import SyncRun, Truck, TruckDay, TruckSync


class Wrong(Exception):
    """Something is not as it must be."""


def run(site: str, key: str, fleet_name: str, mail: Path, *, replay: bool) -> int:
    """Runs all checks, a line each; returns 0, or 1 if one failed."""
    examination = Examination(site, key, Fleet.objects.get(name=fleet_name), mail, replay=replay)
    failed = 0
    for check in examination.checks():
        try:
            print(f"  ok      {check()}", file=sys.stderr)
        except (Wrong, httpx.HTTPError, KeyError, TypeError) as error:
            failed += 1
            name = getattr(check, "__name__", "recorded").replace("_", " ")
            print(f"  FAILED  {name}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"demo: {'all is well' if not failed else f'{failed} checks failed'}", file=sys.stderr)
    return 1 if failed else 0


def expect(condition: object, what: str) -> None:
    if not condition:
        raise Wrong(what)


class Examination:
    """The checks of one running demo. Each returns a sentence on what was seen, or raises Wrong."""

    def __init__(self, site: str, key: str, fleet: Fleet, mail: Path, *, replay: bool) -> None:
        self.fleet = fleet
        self.mail = mail
        self.replay = replay
        self.http = httpx.Client(base_url=site, headers={"Authorization": f"Bearer {key}"}, timeout=10)
        days = TruckDay.objects.filter(fleet_id=fleet.id, distance_m__gt=0)
        busiest = days.values("truck_id").annotate(distance=Sum("distance_m")).order_by("-distance").first()
        expect(busiest, "no truck has driven a metre")
        self.truck = Truck.objects.get(id=busiest["truck_id"]) if busiest else Truck()
        self.last_day: dt.date = days.aggregate(day=Max("day"))["day"]

    def checks(self) -> Iterator[Callable[[], str]]:
        yield from (self.sync_run, self.health, self.docs, self.no_key, self.mail_arrived, self.admin)
        yield from (self.trucks, self.truck_details, self.sensors, self.days, self.trips, self.speeding)
        yield from (self.summary, self.costs, self.utilization, self.drivers)
        yield from (partial(self.listed, kind) for kind in ("stops", "idle-events", "fuel-events", "harsh-events"))
        yield from (self.faults, self.freshness)
        if self.replay:
            yield from (partial(self.recorded, truck) for truck in Truck.objects.filter(fleet=self.fleet))
        else:
            yield self.figures_move

    @property
    def period(self) -> str:
        """The last fortnight with data, as a query."""
        return f"from={self.last_day - dt.timedelta(days=13)}&to={self.last_day}"

    def get(self, path: str) -> Any:
        answer = self.http.get(f"/api/v2{path}")
        expect(answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    # --- around ---

    def sync_run(self) -> str:
        run = SyncRun.objects.filter(fleet=self.fleet).earliest("started_at")
        expect(run.status == SyncRun.Status.OK, f"the first sync run is {run.status}: {run.error or run.truck_errors}")
        return f"sync run: {run.trucks} trucks, {run.messages_new} messages"

    def health(self) -> str:
        for path in ("/healthz", "/readyz", "/healthz/pool"):
            answer = self.http.get(path)
            expect(answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:300]}")
        return "/healthz, /readyz, /healthz/pool"

    def docs(self) -> str:
        expect("openapi" in self.http.get("/api/v2/docs").text.lower(), "the docs page does not name the OpenAPI file")
        paths = self.http.get("/api/v2/openapi.json").json()["paths"]
        return f"/api/v2/docs, {len(paths)} documented paths"

    def no_key(self) -> str:
        answer = httpx.get(f"{self.http.base_url}/api/v2/trucks")
        expect(answer.status_code == 401, f"without a key: {answer.status_code}")
        expect(answer.headers["content-type"].startswith("application/problem+json"), "the error is not a problem")
        return "without a key: 401"

    def mail_arrived(self) -> str:
        message = email.message_from_bytes(self.mail.read_bytes(), policy=email.policy.default)
        kinds = {part.get_content_type() for part in message.walk()}
        expect({"text/plain", "text/html"} <= kinds, f"the mail has only {', '.join(sorted(kinds))}")
        expect("image/png" in kinds or self.replay, "the mail has no chart")  # a recording has nothing of yesterday
        expect(any("spreadsheetml" in kind for kind in kinds), "the mail has no workbook")
        deadline = time.monotonic() + 10  # the receiver has it a moment before the sender writes that down
        while not (sent := ReportDelivery.objects.filter(status=ReportDelivery.Status.SENT).count()):
            expect(time.monotonic() < deadline, "no delivery says that it was sent")
            time.sleep(0.1)
        return f"mail: {message['subject']} ({sent} sent)"

    def admin(self) -> str:
        answer = self.http.get("/admin/", follow_redirects=True)
        expect(answer.status_code == 200 and "password" in answer.text, f"the admin's login: {answer.status_code}")
        return "/admin/ asks for a login"

    # --- trucks ---

    def trucks(self) -> str:
        trucks = self.get("/trucks?limit=1000")["data"]
        expect(len(trucks) == Truck.objects.filter(fleet=self.fleet, is_active=True).count(), "/trucks is not complete")
        return f"/trucks: {len(trucks)}"

    def truck_details(self) -> str:
        data = self.get(f"/trucks/{self.truck.code}")["data"]
        expect(data["name"] == self.truck.name, f"the name is {data['name']!r}")
        return f"/trucks/{self.truck.code}: {data['name']}"

    def sensors(self) -> str:
        data = self.get(f"/trucks/{self.truck.code}/sensors")["data"]
        values = [sensor for sensor in data["sensors"] if sensor["value"] is not None]
        expect(values and all(sensor["at"] for sensor in values), "no sensor has a value with its time")
        expect(data["position"], "there is no position")
        return f"/trucks/{self.truck.code}/sensors: {len(values)} values, {data['status']}"

    def days(self) -> str:
        answer = self.get(f"/trucks/{self.truck.code}/days?{self.period}")
        expect(answer["data"], "there are no days")
        for day in answer["data"]:
            states = [day["moving_s"], day["idle_s"] or 0, day["parked_s"], day["no_data_s"]]
            expect(sum(states) <= 90_000, f"{day['day']} is longer than a day")
        km = sum(day["distance_m"] or 0 for day in answer["data"]) / 1000
        return f"/trucks/{self.truck.code}/days: {len(answer['data'])} days, {km:,.1f} km"

    def trips(self) -> str:
        answer = self.get(f"/trucks/{self.truck.code}/trips?{self.period}")
        expect(answer["data"] and all(trip["started_at"] for trip in answer["data"]), "there are no trips")
        return f"/trucks/{self.truck.code}/trips: {len(answer['data'])}"

    def speeding(self) -> str:
        answer = self.get(f"/trucks/{self.truck.code}/speeding-events?{self.period}")
        expect("summary" in answer, "there are no totals by severity")
        return f"/trucks/{self.truck.code}/speeding-events: {len(answer['data'])}"

    # --- fleet ---

    def summary(self) -> str:
        data = self.get(f"/fleet/summary?{self.period}")["data"]
        expect(data["distance_m"] > 0, "the fleet did not move")
        expect(data["active_trucks"] > 0, "no truck was active")
        price = float(data["cost_per_km"]["amount"])
        expect(0.1 < price < 20 or self.replay, f"a kilometre costs {price}")
        return f"/fleet/summary: {data['distance_m'] / 1000:,.0f} km, {price} {data['cost_per_km']['currency']}/km"

    def costs(self) -> str:
        answer = self.get(f"/fleet/cost-analysis?{self.period}")
        lines = {line["line"] for line in answer["data"]["by_line"]}
        expect("insurance" in lines, f"the lines are only {lines}")
        expect(answer["data"]["by_truck"] and answer["data"]["by_month"], "no truck or no month is listed")
        expect(answer["summary"]["estimated_pct"] == 100, "rates are estimates, and the answer must say so")
        return f"/fleet/cost-analysis: {len(lines)} lines, {answer['summary']['amount']['amount']} in all"

    def utilization(self) -> str:
        answer = self.get(f"/fleet/utilization?{self.period}")
        engine = answer["summary"]["engine_utilization_pct"]
        expect(engine is not None and 0 < engine <= 100, f"engine utilization is {engine}")
        states = sum(answer["summary"][name] or 0 for name in ("moving_s", "idle_s", "parked_s", "no_data_s"))
        expect(states == answer["summary"]["length_s"], "the states do not add up")
        return f"/fleet/utilization: engine {engine} %, {len(answer['data'])} trucks"

    def drivers(self) -> str:
        answer = self.get(f"/fleet/driver-behavior?{self.period}")
        expect(answer["data"] and answer["summary"]["trips"] > 0, "no truck has made a trip")
        return f"/fleet/driver-behavior: {len(answer['data'])} trucks, {answer['summary']['trips']} trips"

    def listed(self, kind: str) -> str:
        """Events that this truck need not have: what must be there is the list and how fresh it is."""
        answer = self.get(f"/trucks/{self.truck.code}/{kind}?{self.period}")
        expect(kind != "stops" or answer["data"], "a truck that drove has never stopped")
        expect(answer["freshness"]["as_of"], "it does not say how fresh it is")
        return f"/trucks/{self.truck.code}/{kind}: {len(answer['data'])}"

    def faults(self) -> str:
        found = [len(self.get(path)["data"]) for path in (f"/trucks/{self.truck.code}/faults", "/fleet/faults")]
        return f"/trucks/{self.truck.code}/faults: {found[0]}, /fleet/faults: {found[1]}"

    def freshness(self) -> str:
        answer = self.get("/fleet/freshness")
        trucks = Truck.objects.filter(fleet=self.fleet, is_active=True).count()
        expect(len(answer["data"]) == trucks, f"{len(answer['data'])} of {trucks} trucks")
        return f"/fleet/freshness: {len(answer['data'])} trucks"

    def recorded(self, truck: Truck) -> str:
        """What the recording holds of one vehicle, over all its days."""
        days = TruckDay.objects.filter(fleet_id=self.fleet.id, truck_id=truck.id)
        sums = days.aggregate(
            metres=Sum("distance_m"), litres=Sum("fuel_used_l"), hours=Sum("engine_hours"), on=Sum("engine_on_s"),
            refuels=Sum("refuels"), drains=Sum("drains"), seen=Sum("messages"),
        )  # fmt: skip
        expect(sums["seen"], f"{truck} has no messages")
        sources = set(days.exclude(distance_source=None).values_list("distance_source", flat=True))
        return (
            f"{truck}: {(sums['metres'] or 0) / 1000:,.2f} km by {' and '.join(sorted(sources)) or 'nothing'}, "
            f"{_told(sums['litres'], 'l')}, {_told(sums['hours'], 'engine hours')}, "
            f"{_told(sums['on'], 's engine on')}, "
            f"{_told(sums['refuels'], 'refuels')}, {_told(sums['drains'], 'drains')}"
        )

    def figures_move(self) -> str:
        """New messages arrive by themselves and reach the API."""
        before, patience = self._known(), time.monotonic() + 60
        revision = self.get("/fleet/summary?period=today")["freshness"]["revision"]
        while time.monotonic() < patience:
            if self._known() > before and self.get("/fleet/summary?period=today")["freshness"]["revision"] > revision:
                return "new messages arrive, figures move"
            time.sleep(0.5)
        raise Wrong("for a minute nothing new has reached the API")

    def _known(self) -> int:
        known: int | None = TruckSync.objects.filter(fleet_id=self.fleet.id).aggregate(at=Max("known_until"))["at"]
        return known or 0


def _told(figure: float | None, unit: str) -> str:
    return f"{unit} not measured" if figure is None else f"{figure:,.2f} {unit}".replace(".00 ", " ")
