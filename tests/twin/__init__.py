"""The product's brute-force twin: all figures of a truck's days, from raw messages and the words of docs/metrics.md.

It shares no code with the product and takes no shortcuts: the whole history is walked at once, in plain Python, and
then cut into local days. The modules are the sections of the page, in this order: expressions, sensors, cleaning,
motion, counters, trips, events, day, by_driver.
"""

from tests.twin.day import fuel_figures
from tests.twin.history import History
from tests.twin.motion import Place, winds_around
from tests.twin.page import PARAMETERS
from tests.twin.sensors import SensorTable
from tests.twin.trips import Assigned
from tests.twin.whole import local_days, truth

__all__ = [
    "PARAMETERS",
    "Assigned",
    "History",
    "Place",
    "SensorTable",
    "fuel_figures",
    "local_days",
    "truth",
    "winds_around",
]
