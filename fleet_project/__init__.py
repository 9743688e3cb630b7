"""The composition root: nothing imports it but the servers and Django."""

from fleet_project.celery import app as celery_app

__all__ = ["celery_app"]
