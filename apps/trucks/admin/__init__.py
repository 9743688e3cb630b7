"""The admin's pages of fleets, trucks, what they are measured with, and how they are synchronised."""

from apps.trucks.admin import assignments, backfills, fleets, mappings, parameters, places, reviews, sync, trucks

__all__ = ["assignments", "backfills", "fleets", "mappings", "parameters", "places", "reviews", "sync", "trucks"]
