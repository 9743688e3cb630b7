"""Who drives which truck when: every truck has its own driver, every four trucks share a relief driver.

Once a week the own driver is off and the relief driver has the truck. The day after, a colleague who is off helps out:
takes the truck over at half time, or comes along in the middle while the own driver stays logged in. And now and then
nobody logs in at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wialon_simulator.history import Source

GROUP = 4
NAMES = (
    "Ana Kowalska", "B. Okafor", "Carlos Díaz", "Dmitri S.", "E. Müller", "Fatima N.", "Greg P. Hill", "H. Østergård",
    "Ivan T.", "Jörg W.", "K. O'Neil", "Lena Žák", "M. Sato", "N. Petrov", "Olu A.", "P. Nguyen",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Driver:
    """`number` is unique in the simulator, `local_id` only inside its resource (0 or 1), as in Wialon."""

    number: int
    resource: int
    local_id: int
    name: str

    @property
    def code(self) -> str:
        return f"{0x1A4F_0000 + self.number * 977:016X}"


@dataclass(frozen=True, slots=True)
class Binding:
    """From `t` on the driver is bound to the unit; unit 0 means to none."""

    t: int
    unit_id: int


def roster(trucks: int) -> list[Driver]:
    """Returns own drivers first, then relief drivers; odd numbers belong to the second resource."""
    count = trucks + (trucks + GROUP - 1) // GROUP
    return [
        Driver(n, n % 2, n // 2 + 1, NAMES[n % len(NAMES)] + (f" {n // len(NAMES) + 1}" if n >= len(NAMES) else ""))
        for n in range(count)
    ]


class Stint(NamedTuple):
    """A driver, by number, is bound to a truck in [begins, ends)."""

    number: int
    begins: int
    ends: int


def stints(truck: int, shift: int, begins: int, ends: int, trucks: int) -> list[Stint]:
    """Returns who is bound to a truck in a shift, by their first second; none if nobody logs in."""
    if (3 * shift + truck) % 13 == 5:
        return []
    weekday = (shift + truck) % 7
    if weekday == 6:
        return [Stint(trucks + truck // GROUP, begins, ends)]
    own, third = Stint(truck, begins, ends), (ends - begins) // 3
    if weekday != 0 or truck == 0:
        return [own]
    if shift % 2:
        return [own, Stint(truck - 1, begins + third, ends - third)]
    return [own._replace(ends=begins + (ends - begins) // 2), Stint(truck - 1, begins + (ends - begins) // 2, ends)]


def bindings(driver: Driver, sources: Sequence[tuple[int, Source]], now: int) -> list[Binding]:
    """Returns the driver's bindings up to `now`, ascending by time. `sources` are the trucks' unit ids and sources in
    their order in the fleet."""
    own = [
        (stint, sources[truck][0])
        for truck in _trucks_of(driver.number, len(sources))
        for shift, begins, ends in sources[truck][1].duties(now)
        for stint in stints(truck, shift, begins, ends, len(sources))
        if stint.number == driver.number
    ]
    own.sort(key=lambda pair: pair[0].begins)
    found = []
    for index, (stint, unit_id) in enumerate(own):
        found.append(Binding(stint.begins, unit_id))
        if (
            index + 1 == len(own) or stint.ends < own[index + 1][0].begins
        ):  # else bound to the next unit without a break
            found.append(Binding(stint.ends, 0))
    return [binding for binding in found if binding.t <= now]


def _trucks_of(number: int, trucks: int) -> range:
    """The trucks that a driver may be seen on: their own and the next, or of a relief driver the group's."""
    if number < trucks:
        return range(number, min(number + 2, trucks))
    first = (number - trucks) * GROUP
    return range(first, min(first + GROUP, trucks))
