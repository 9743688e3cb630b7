"""The API's answer about active faults, as declared in OpenAPI."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from apps.accounts.parameters import DayPeriod, Paging
from apps.accounts.schemas import FreshnessEcho, PageEcho, PeriodEcho, described
from apps.files.answers import Exportable
from apps.fleet.schemas import GROUP
from apps.trucks.event_schemas import Fault
from apps.trucks.schemas import CODE, SEVERITIES, Severity


class OpenFaultSearch(DayPeriod, Paging, Exportable):
    severity: list[Severity] = Field([], max_length=3, description="Only these severities; repeatable.")
    acknowledged: bool | None = Field(None, description="Only those that somebody has taken note of, or nobody.")
    group: str | None = GROUP
    sort: Literal["severity", "-severity", "opened_at", "-opened_at", "truck_id", "-truck_id"] = Field(
        "severity",
        description="Severe ones first and of these the oldest; the oldest first; or by truck; with - the other way "
        "round, so `-opened_at` has the newest first.",
    )

    def filters(self) -> dict[str, Any]:
        """What the statement takes of it."""
        acknowledged = None if self.acknowledged is None else int(self.acknowledged)
        return {"severities": ",".join(self.severity or SEVERITIES), "acknowledged": acknowledged}


class OpenFaultItem(Fault):
    truck_id: str = described(CODE, "T-101")
    name: str = described("The unit's name in Wialon.", "Volvo 101")
    age_s: int | None = described("Seconds since it opened, as far as the truck is known.", 93_600)


class FaultsOpened(BaseModel):
    faults_opened: int | None = described("Faults that opened in the period; null where no device told of any.", 4)


class OpenFaultCounts(FaultsOpened):
    """All active faults of active trucks, of the group if one is asked for, whatever the other filters and the page."""

    severe: int = described("Severe faults.", 1)
    moderate: int = described("Moderate ones.", 2)
    minor: int = described("Minor ones.", 0)
    trucks: int = described("Trucks that have any.", 2)
    unacknowledged: int = described("Faults that nobody has taken note of.", 1)


class FaultsBefore(FaultsOpened):
    period: PeriodEcho


class FaultsChange(BaseModel):
    """In per cent of the period before; null where that was zero or either is not measured."""

    faults_opened: float | None = described("Change of `faults_opened`.", 33.33)


class OpenFaultsAnswer(BaseModel):
    data: list[OpenFaultItem] = Field(description="Active faults of active trucks, in the order of `sort`.")
    summary: OpenFaultCounts
    previous: FaultsBefore = Field(description="The period of equal length before.")
    change_pct: FaultsChange
    page: PageEcho
    period: PeriodEcho
    freshness: FreshnessEcho
