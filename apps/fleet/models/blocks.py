"""The sums of a fleet and of its trucks as packed columns: what totals and lists of trucks are read from."""

from django.db import models

from apps.fleet.models.spans import KINDS_AND_DAYS, SpanKey


class TruckBlock(SpanKey):
    """Up to 64 trucks in a day, pentad or month: sums and costs once more, drivers, idle places, hours, weekdays.

    `places` is packed by `apps.fleet.idling.blocks`, `hours` by `apps.fleet.utilization.hours`, `weekdays` by
    `apps.fleet.sums.weekdays`, the rest by `apps.fleet.sums.blocks`.

    A row for each truck would cost a list of a thousand trucks many times as much. Replaced by
    `apps.fleet.summaries.blocks` with the rows that it is made of, in their transaction. `used`: a bit for each truck
    that was used. `driver_totals`: what nobody did in them, and what all drivers together.
    """

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "block")
    span = models.CharField(max_length=6, choices=KINDS_AND_DAYS)
    block = models.BigIntegerField(help_text="the trucks' ids divided by 64")
    used = models.PositiveBigIntegerField(default=0)
    figures = models.BinaryField(default=b"")
    costs = models.BinaryField(default=b"")
    drivers = models.BinaryField(default=b"")
    driver_totals = models.BinaryField(default=b"")
    driver_costs = models.BinaryField(default=b"")
    places = models.BinaryField(default=b"")
    hours = models.BinaryField(default=b"")
    weekdays = models.BinaryField(default=b"")

    class Meta:
        db_table = "truck_block"

    def __str__(self) -> str:
        return f"trucks {self.block} in the {self.span} of fleet {self.fleet_id} from {self.first_day}"


class DriverBlock(SpanKey):
    """Up to 64 drivers in a day, pentad or month: what blocks of trucks have of them, once more, by driver.

    A driver may have had any truck, so a page of drivers would have all trucks of its fleet read. Packed as `drivers`
    of a block of trucks; nobody is in none. Replaced by `apps.fleet.summaries.driver_blocks` with the blocks of trucks.
    """

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "block")
    span = models.CharField(max_length=6, choices=KINDS_AND_DAYS)
    block = models.BigIntegerField(help_text="the drivers' ids divided by 64")
    drivers = models.BinaryField()

    class Meta:
        db_table = "driver_block"

    def __str__(self) -> str:
        return f"drivers {self.block} in the {self.span} of fleet {self.fleet_id} from {self.first_day}"


class FleetBlock(SpanKey):
    """A fleet's day, pentad or month in one row: sums, costs, which trucks were used, all drivers together, packed.

    From some twenty of them follow all totals of two periods, whatever the number of trucks. Replaced by
    `apps.fleet.summaries.fleet_blocks` with the rows that it is made of, in their transaction; packed by
    `apps.fleet.sums.fleet`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day")
    span = models.CharField(max_length=6, choices=KINDS_AND_DAYS)
    figures = models.BinaryField(default=b"")
    costs = models.BinaryField(default=b"")
    used = models.BinaryField(default=b"")
    driver_totals = models.BinaryField(default=b"")

    class Meta:
        db_table = "fleet_block"


class RankingBlock(SpanKey):
    """Up to 4,096 trucks in a day, pentad or month: of their sums the four that a ranking by idling needs of all.

    Replaced by `apps.fleet.summaries.rankings` with the blocks of trucks, in their transaction; packed by
    `apps.fleet.sums.ranking_blocks`.
    """

    pk = models.CompositePrimaryKey("fleet_id", "span", "first_day", "part")
    span = models.CharField(max_length=6, choices=KINDS_AND_DAYS)
    part = models.BigIntegerField(help_text="the trucks' ids divided by 4,096")
    idling = models.BinaryField()

    class Meta:
        db_table = "ranking_block"
