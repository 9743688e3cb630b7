"""Out-of-date days into summaries: truck-days, their events and costs, and the fleet-days they add up to.

The log of dirty days is the work list. A batch claims rows of it, computes, writes and deletes them at the version it
read, all in one transaction: killed anywhere, it leaves everything as it was. A rebuild that changes nothing writes
nothing.
"""

from apps.fleet.summaries.batches import Outcome, fleets_with_dirty_days, rebuild, rebuild_batch, waiting
from apps.fleet.summaries.settling import settle

__all__ = ["Outcome", "fleets_with_dirty_days", "rebuild", "rebuild_batch", "settle", "waiting"]
