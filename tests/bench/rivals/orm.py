"""Django's synchronous ORM and a Ninja response schema, with the middleware that `startproject` gives."""

import os

import django
import environ
from django.conf import settings

settings.configure(
    SECRET_KEY="only for measuring",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {**environ.Env.db_url_config(os.environ["DATABASE_URL"]), "CONN_MAX_AGE": 600}},
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    USE_TZ=True,
)  # fmt: skip
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402
from ninja import ModelSchema, NinjaAPI  # noqa: E402

FIELDS = {"t": models.BigIntegerField(), **{name: models.FloatField() for name in ("lat", "lon", "speed_kmh")}}
FIELDS |= {f"value_{number}": models.FloatField() for number in range(30)}


class Meta:
    db_table, managed, app_label = "bench_latest", False, "rival"


Latest = type(
    "Latest",
    (models.Model,),
    {"__module__": __name__, "Meta": Meta, "code": models.CharField(max_length=32, primary_key=True), **FIELDS},
)


class LatestSchema(ModelSchema):
    class Meta:
        model, fields = Latest, ["code", *FIELDS]


api = NinjaAPI(docs_url=None)


@api.get("/trucks/{truck_id}/sensors", response=LatestSchema)
def sensors(request: HttpRequest, truck_id: str) -> models.Model:
    return get_object_or_404(Latest, code=truck_id)


urlpatterns = [path("api/v2/", api.urls)]
application = get_wsgi_application()
