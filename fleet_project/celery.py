"""The Celery application. Its settings, each with its reason, are the CELERY_ ones in settings.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")

app = Celery("fleet_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
