"""One truck within a pass: its news, what came late, and what Wialon no longer has or has otherwise.

Wialon files a message at its device time and has no list of what was registered since a moment. So what is older than
the cursor is found in three ways: by hints (events of the shared session), by counting the last two days each hour and
35 days each night, and by reading the last whole days in full each night, where one message went and another came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from apps.accounts.calendar import day_of, day_start
from apps.accounts.models import Fleet
from apps.trucks.messages import storage
from apps.trucks.messages.normal import FUTURE_S, Raw, sort_out
from apps.trucks.models import Truck, TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sensors import SensorTable
from apps.trucks.sync.hints import OVERLAP_S
from apps.trucks.sync.ingest import replace, store
from apps.trucks.sync.rederivation import must_rederive, rederive
from apps.trucks.wialon import MOST_S, Unavailable, Wanted, WialonClient, intervals

DAY_S = 86_400
PIECE_S = MOST_S  # one load
HOURLY_S, HOURLY_BACK_S = 3_600, 2 * DAY_S
NIGHT_S, NIGHTLY_BACK_S = 6 * 3_600, 35 * DAY_S
FULL_DAYS = 2  # whole days before today that are read in full each night, so each day is so twice
_NO_END = 2**31 - 1


@dataclass(slots=True)
class Tally:
    """What a pass has done so far."""

    with_news: int = 0
    loaded: int = 0
    new: int = 0
    removed: int = 0
    quarantined: int = 0
    refused: int = 0
    too_old: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    read: list[int] = field(default_factory=list)  # trucks that were read to the end …
    failed: list[int] = field(default_factory=list)  # … and those that were not


Stretch = tuple[int, int]  # first and last second, both included


@dataclass(frozen=True, slots=True)
class Turn:
    """A truck, how far it is, and the second of its unit's last message as Wialon has it (None: it has none)."""

    truck: Truck
    sync: TruckSync
    told_t: int | None

    @property
    def has_news(self) -> bool:
        return self.told_t is not None and _is_news(self.told_t, self.sync)

    def has_work(self, fleet: Fleet, now: int, looks_back: bool) -> bool:
        """Whether `bring_up_to_date` would do anything."""
        if self.sync.last_error or must_rederive(self.truck, self.sync):
            return True
        if self.told_t is None:
            return False
        is_hinted = self.sync.hint_first_t is not None
        return self.has_news or is_hinted or _is_time_to_look_back(fleet, self.sync, now, looks_back)

    def few_news(self, now: int) -> Wanted | None:
        """What will be loaded of a truck that is nearly up to date; None where it is more, or nothing."""
        if self.sync.cursor_t is None or not self.has_news:
            return None
        first_t = max(0, self.sync.cursor_t - OVERLAP_S)
        is_little = now - DAY_S < first_t <= now and first_t >= (self.sync.raw_since_t or 0)
        return (self.truck.wialon_id, first_t, now) if is_little else None


@dataclass(frozen=True, slots=True)
class TruckPass:
    """Brings trucks of one fleet up to date. `now` is Wialon's clock at the beginning of the pass.

    `between` is called after each batch that was stored: what must not lapse is renewed there, and it may raise.
    `ahead` holds messages that were loaded together with those of other trucks, by unit and stretch.
    """

    fleet: Fleet
    client: WialonClient
    tables: SensorTables
    tally: Tally
    now: int
    between: Callable[[], None] = lambda: None
    ahead: dict[Wanted, list[Raw]] = field(default_factory=dict)

    def bring_up_to_date(self, turn: Turn, looks_back: bool) -> None:
        """Loads what is new, and what came late as far as it is time to look for it, or asked for by `looks_back`.

        Raises WialonError; what was stored before it stays.
        """
        truck, sync, told_t = turn.truck, turn.sync, turn.told_t
        rederive(truck, sync)
        if told_t is None:
            return
        table = self.tables.of(truck)
        if turn.has_news:
            self.tally.with_news += 1
            self._fetch(truck, sync, table, told_t)
        self._fetch_hinted(truck, sync, table)
        self._look_back(truck, sync, table, told_t, looks_back)

    # --- news ---

    def _fetch(self, truck: Truck, sync: TruckSync, table: SensorTable, told_t: int) -> None:
        """Loads and stores one truck's news, piece by piece: what is stored stays, wherever it breaks."""
        first_t = self._from_floor(truck, sync, _next_second(sync, told_t, self.now), self.now)
        self._remember_start(sync, first_t)
        for piece_first, piece_last in intervals(first_t, self.now, PIECE_S):
            self._load(truck, table, piece_first, piece_last)
        if told_t > self.now + FUTURE_S:  # for the quarantine
            self._load(truck, table, self.now + FUTURE_S + 1, _NO_END)

    def _remember_start(self, sync: TruckSync, first_t: int) -> None:
        """Before anything is loaded: killed halfway, the next pass goes on from the cursor and would not know."""
        if sync.read_from_t is None or first_t < sync.read_from_t:
            sync.read_from_t = first_t
            sync.save(update_fields=["read_from_t"])

    def _from_floor(self, truck: Truck, sync: TruckSync, first_t: int, last_t: int) -> int:
        """Where to begin to load [first_t, last_t]: what lies before the truck's floor is counted and not loaded."""
        floor = sync.raw_since_t or 0
        if first_t < floor:
            self.tally.too_old += self.client.count_messages(truck.wialon_id, first_t, min(last_t, floor - 1))
        return max(first_t, floor)

    def _load(self, truck: Truck, table: SensorTable, first_t: int, last_t: int) -> None:
        loaded = self.ahead.pop((truck.wialon_id, first_t, last_t), None)
        for messages in self.client.messages(truck.wialon_id, first_t, last_t) if loaded is None else [loaded]:
            self._store(truck, table, messages)
            self.between()

    def _store(self, truck: Truck, table: SensorTable, messages: Sequence[Raw]) -> None:
        batch = sort_out(messages, self.now)
        new, quarantined, too_old = store(self.fleet, truck, table, batch, self.now)
        self.tally.too_old += too_old
        self._count(messages, new, quarantined, len(batch.refused))

    def _count(self, messages: Sequence[Raw], new: int, quarantined: int, refused: int) -> None:
        self.tally.loaded += len(messages)
        self.tally.new += new
        self.tally.quarantined += quarantined
        self.tally.refused += refused

    # --- a period again ---

    def read_anew(self, truck: Truck, sync: TruckSync, first_t: int, last_t: int) -> None:
        """Makes [first_t, last_t] of a truck what Wialon has there, piece by piece. Raises WialonError.

        Never beyond the cursor without what lies between. What a piece made stays, wherever it breaks.
        """
        rederive(truck, sync)
        last_t = min(last_t, self.now)
        if sync.cursor_t is not None and last_t > sync.cursor_t:
            first_t = min(first_t, max(0, sync.cursor_t - OVERLAP_S))
        first_t = max(first_t, sync.raw_since_t or 0)
        if first_t > last_t:
            return
        self._remember_start(sync, first_t)
        table = self.tables.of(truck)
        for piece_first, piece_last in intervals(first_t, last_t, PIECE_S):
            self._replace(truck, sync, table, sync.cursor_t, piece_first, piece_last)
            self.between()

    # --- what came late, went, or was changed ---

    def _fetch_hinted(self, truck: Truck, sync: TruckSync, table: SensorTable) -> None:
        """Loads what an event told of and the cursor has passed. The hint is kept until it was followed."""
        if sync.hint_first_t is None or sync.hint_last_t is None:
            return
        last_t = min(sync.hint_last_t, self.now)
        for first, last in intervals(self._from_floor(truck, sync, sync.hint_first_t, last_t), last_t, PIECE_S):
            self._load(truck, table, first, last)
        followed = TruckSync.objects.filter(
            truck_id=truck.id, hint_first_t=sync.hint_first_t, hint_last_t=sync.hint_last_t
        )
        followed.update(hint_first_t=None, hint_last_t=None)

    def _look_back(self, truck: Truck, sync: TruckSync, table: SensorTable, told_t: int, looks_back: bool) -> None:
        """Holds the last days against Wialon's: by their counts, once a night some of them message by message."""
        if sync.cursor_t is None or not _is_time_to_look_back(self.fleet, sync, self.now, looks_back):
            return
        is_nightly = _crosses_night(self.fleet, sync, self.now)
        last_t = sync.cursor_t - OVERLAP_S - 1
        first_t = self.now - (NIGHTLY_BACK_S if is_nightly else HOURLY_BACK_S)
        read_from_t = sync.first_t if sync.read_from_t is None else sync.read_from_t
        days = _utc_days(max(first_t - first_t % DAY_S, read_from_t or 0, sync.raw_since_t or 0), last_t)
        full = self.now - self.now % DAY_S - FULL_DAYS * DAY_S if is_nightly else _NO_END
        self._compare(truck, sync, table, told_t, days, full)

    def _compare(
        self,
        truck: Truck,
        sync: TruckSync,
        table: SensorTable,
        told_t: int,
        days: Sequence[Stretch],
        full_since_t: int,
    ) -> None:
        """Reads those days again whose count is not ours, and those from `full_since_t` on that are over."""
        if not days:
            return
        ours = storage.counts_by_day(self.fleet.id, truck.id, days[0][0], days[-1][1])
        for (first, last), count in zip(days, self.client.counts(truck.wialon_id, days), strict=True):
            day = first // DAY_S
            expected = ours.get(day, 0) + sync.surplus.get(str(day), 0)
            is_full = first >= full_since_t and last % DAY_S == DAY_S - 1
            if count != expected or is_full:
                surplus = self._replace(truck, sync, table, told_t, first, last, count)
                _keep_surplus(sync, day, surplus)
                self.between()

    def _replace(
        self,
        truck: Truck,
        sync: TruckSync,
        table: SensorTable,
        newest_t: int | None,
        first_t: int,
        last_t: int,
        counted: int | None = None,
    ) -> int:
        """Replaces a stretch by what Wialon has there, if all of it came; else only adds what came.

        Returns how many messages Wialon has more than once. Raises Unavailable where Wialon counts other than it
        delivers: nothing may be removed on such an answer. Nor what was stored after Wialon was asked: another worker
        may have read it since.
        """
        before = storage.known_keys(self.fleet.id, truck.id, first_t, last_t)
        messages = [m for batch in self.client.messages(truck.wialon_id, first_t, last_t) for m in batch]
        if len(messages) != counted:  # a message may have come since it counted
            counted = self.client.count_messages(truck.wialon_id, first_t, last_t)
        batch = sort_out(messages, self.now)
        if len(messages) != counted or batch.refused:
            self._store(truck, table, messages)
            raise Unavailable(f"messages/load_interval: {len(messages)} messages came where {counted} were counted")
        if not messages and newest_t is not None:
            self._check_emptiness(truck, newest_t)
        new, quarantined, removed = replace(self.fleet, truck, table, batch, first_t, last_t, self.now, before)
        self._count(messages, new, quarantined, 0)
        self.tally.removed += removed
        return len(messages) - len(batch.data) - len(batch.future)

    def _check_emptiness(self, truck: Truck, t: int) -> None:
        """Raises Unavailable where Wialon denies even the unit's last message: then no emptiness is to be believed."""
        if not self.client.count_messages(truck.wialon_id, t, t):
            raise Unavailable("messages/load_interval: no messages are said to be there, not even the last one")


def _next_second(sync: TruckSync, told_t: int, now: int) -> int:
    """From where on news are loaded: of a new truck some days of history, else from a little before the cursor."""
    if sync.cursor_t is None:
        return max(0, min(told_t, now) - int(settings.INITIAL_HISTORY_DAYS) * DAY_S)
    return max(0, sync.cursor_t - OVERLAP_S)


def _is_news(told_t: int, sync: TruckSync) -> bool:
    """Whether the unit's last message is newer than all that is stored, and not from before what is kept."""
    return sync.cursor_t is None or told_t > max(sync.cursor_t, (sync.raw_since_t or 0) - 1)


def _keep_surplus(sync: TruckSync, day: int, surplus: int) -> None:
    """Remembers how many messages of a UTC day Wialon has twice: its count stays so much higher than ours."""
    kept = {key: n for key, n in sync.surplus.items() if int(key) > day - 2 * NIGHTLY_BACK_S // DAY_S}
    kept = {**kept, str(day): surplus} if surplus else {key: n for key, n in kept.items() if key != str(day)}
    if kept != sync.surplus:
        sync.surplus = kept
        sync.save(update_fields=["surplus"])


def _is_time_to_look_back(fleet: Fleet, sync: TruckSync, now: int, is_asked: bool) -> bool:
    if sync.cursor_t is None or sync.known_until is None:
        return False
    return is_asked or _crosses_hour(sync, now) or _crosses_night(fleet, sync, now)


def _crosses_hour(sync: TruckSync, now: int) -> bool:
    """Whether an hour of the truck's own has begun since it was last known; trucks take turns."""
    shift = sync.truck_id * 977
    return ((sync.known_until or 0) + shift) // HOURLY_S != (now + shift) // HOURLY_S


def _crosses_night(fleet: Fleet, sync: TruckSync, now: int) -> bool:
    """Whether the truck's own instant of this night, between midnight and six where the fleet is, has passed since."""
    instant = day_start(day_of(now, fleet.zone), fleet.zone) + sync.truck_id * 977 % NIGHT_S
    return (sync.known_until or 0) < instant <= now


def _utc_days(first_t: int, last_t: int) -> list[Stretch]:
    """[first_t, last_t] cut at UTC midnights, ascending."""
    starts = [first_t, *range(first_t - first_t % DAY_S + DAY_S, last_t + 1, DAY_S)]
    return [(start, min(last_t, start - start % DAY_S + DAY_S - 1)) for start in starts if start <= last_t]
