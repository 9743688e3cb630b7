"""The Celery application. Its settings, each with its reason, are the CELERY_ ones in settings.py."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet_project.settings")

app = Celery("fleet_project")
app.config_from_object("django.conf:settings", namespace="CELERY")


NICENESS = 5  # a third of the CPU that a web worker gets where both want it all: requests first, and still all is done


@celeryd_init.connect
def count_processes(options: dict[str, Any] | None = None, **_: Any) -> None:
    """Before they are forked: whether a process is worth a second lane depends on how many there are."""
    from apps.trucks.sync import lanes  # when Django is set up

    lanes.share_cores((options or {}).get("concurrency") or os.cpu_count() or 1)


@worker_process_init.connect
def prepare_process(**_: Any) -> None:
    """A batch of messages is ten thousands of objects that all live to its end: looking for circles among them in vain
    took a quarter of the ingest's time. What is there at the start never goes, and is not looked at again."""
    os.nice(NICENESS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
