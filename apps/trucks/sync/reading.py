"""One worker that reads trucks of a pass: their few news together, the trucks one by one, none held up by another."""

import logging
import math
import time
from collections.abc import Callable, Sequence

from celery.exceptions import SoftTimeLimitExceeded

from apps.accounts.models import Fleet
from apps.trucks.messages.normal import Raw
from apps.trucks.models import TruckSync
from apps.trucks.sensor_tables import SensorTables
from apps.trucks.sync import hints
from apps.trucks.sync.disk import DiskFull
from apps.trucks.sync.leases import Holding, Lost
from apps.trucks.sync.truck_pass import Tally, TruckPass, Turn
from apps.trucks.wialon import LoginRefused, SessionLost, TryAgain, Wanted, WialonClient, WialonError

logger = logging.getLogger(__name__)

ASK_AFTER = 3  # trucks in a row without an answer: is it Wialon that is away, or are it these trucks?


class OutOfTime(Exception):
    """The worker has used up its time: what is stored stays, the rest follows with the next pass."""


class Reader:
    """Reads trucks of one fleet up to `now`, Wialon's clock at the beginning of the pass."""

    def __init__(
        self,
        fleet: Fleet,
        client: WialonClient,
        holding: Holding,
        now: int,
        *,
        looks_back: bool = False,
        deadline: float = math.inf,
    ) -> None:
        self.fleet = fleet
        self.holding = holding
        self._client = client
        self._now = now
        self._looks_back = looks_back
        self._deadline = deadline  # by the monotonic clock
        self._tables = SensorTables(fleet.pk)
        self._unanswered = 0  # trucks in a row
        self._ahead: dict[Wanted, list[Raw]] = {}
        self._loads_together = True
        self.done = 0  # trucks that had their turn

    def read(self, turns: Sequence[Turn], tally: Tally, on_each: Callable[[], None] = lambda: None) -> None:
        """Brings trucks up to date, and says in the tally which were; at most some dozens at once.

        One bad truck, whatever is wrong with it, never stops the others. Raises WialonError where the account as a
        whole cannot be read, OutOfTime, DiskFull, and Lost.
        """
        self._load_ahead(turns)
        for turn in turns:
            if self.done:  # every worker comes further, however little time it has
                self._go_on()
            (tally.read if self._succeeds(turn, tally) else tally.failed).append(turn.truck.pk)
            self.done += 1
            on_each()

    def check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise OutOfTime

    def _load_ahead(self, turns: Sequence[Turn]) -> None:
        """Loads the few news of several trucks in one request. Whatever that does not bring is loaded one by one."""
        self._ahead.clear()
        asked = {each[0]: each for turn in turns if (each := turn.few_news(self._now)) is not None}
        if len(asked) < 2 or not self._loads_together:
            return
        try:
            loaded = self._client.messages_of_many(list(asked.values()))
        except (TryAgain, SessionLost):  # the first trucks will show whether Wialon is away
            self._loads_together = False
            return
        self._ahead.update({asked[unit]: messages for unit, messages in loaded.items()})

    def _succeeds(self, turn: Turn, tally: Tally) -> bool:
        truck_pass = TruckPass(self.fleet, self._client, self._tables, tally, self._now, self._go_on, self._ahead)
        try:
            truck_pass.bring_up_to_date(turn, self._looks_back)
        except (Lost, LoginRefused, OutOfTime, DiskFull, SoftTimeLimitExceeded):
            raise
        except Exception as error:
            self._note(turn, error, tally)
            self._check_that_wialon_answers(error)
            return False
        self._unanswered = 0
        if turn.sync.last_error:
            TruckSync.objects.filter(truck_id=turn.truck.pk).update(last_error="")
        return True

    def _go_on(self) -> None:
        self.holding.renew()
        self.check_time()

    def _check_that_wialon_answers(self, error: Exception) -> None:
        """Raises WialonError when it is not single trucks that cannot be read."""
        self._unanswered = self._unanswered + 1 if isinstance(error, TryAgain | SessionLost) else 0
        if self._unanswered == ASK_AFTER:
            self._unanswered = 0
            hints.ask(self.fleet, self._client)

    def _note(self, turn: Turn, error: Exception, tally: Tally) -> None:
        text = f"{type(error).__name__}: {error}"[:500]
        tally.errors.append({"truck": turn.truck.code, "error": text})
        TruckSync.objects.filter(truck_id=turn.truck.pk).update(last_error=text)
        is_ours = not isinstance(error, WialonError)
        logger.warning("truck not synchronised", extra={"truck": turn.truck.pk, "error": text}, exc_info=is_ours)
