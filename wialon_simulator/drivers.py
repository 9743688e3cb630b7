"""Who drives which truck when: every truck has its own driver, every four trucks share a relief driver."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def number_on_duty(truck: int, shift: int, trucks: int) -> int:
    """Returns the number of the driver; a truck's own driver has every seventh shift off."""
    return trucks + truck // GROUP if (shift + truck) % 7 == 6 else truck


def bindings(driver: Driver, sources: Sequence[tuple[int, Source]], now: int) -> list[Binding]:
    """Returns the driver's bindings up to `now`, ascending by time. `sources` are the trucks' unit ids and sources in
    their order in the fleet."""
    first = driver.number if driver.number < len(sources) else (driver.number - len(sources)) * GROUP
    last = first + 1 if driver.number < len(sources) else min(first + GROUP, len(sources))
    found = []
    for truck in range(first, last):
        unit_id, source = sources[truck]
        for shift, begins, ends in source.duties(now):
            if number_on_duty(truck, shift, len(sources)) == driver.number:
                found += [Binding(begins, unit_id), Binding(ends, 0)]
    return sorted((binding for binding in found if binding.t <= now), key=lambda binding: binding.t)
