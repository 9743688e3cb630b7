"""Settings: what differs between installations comes from environment.py, the rest is decided here."""

import sys
from pathlib import Path
from typing import Any

import environ
from django.templatetags.static import static

from fleet_project.environment import load
from fleet_project.logs import logging_config
from tasks.schedule import beat_schedule

BASE_DIR = Path(__file__).resolve().parent.parent
_env = load(BASE_DIR)

SECRET_KEY = _env["SECRET_KEY"]
FIELD_ENCRYPTION_KEYS = _env["FIELD_ENCRYPTION_KEY"]
DEBUG = _env["DEBUG"]
SITE_URL = _env["SITE_URL"].rstrip("/")
ALLOWED_HOSTS = _env["ALLOWED_HOSTS"]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # thousands in templates
    "axes",
    "ninja",  # the assets of the API's manual, so that it works without internet
    "apps.accounts",
    "apps.trucks",
    "apps.fleet",
]
# The admin's list. The API does not pass through it: fleet_project/asgi.py gives it a handler with a short, async-only
# one.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
API_MIDDLEWARE = ["fleet_project.middleware.api"]
OPENAPI_API = "fleet_project.api.api"  # what `manage.py openapi` describes
OPENAPI_FILE = BASE_DIR / "docs" / "openapi.json"
ROOT_URLCONF = "fleet_project.urls"
ASGI_APPLICATION = "fleet_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database: MariaDB or MySQL -------------------------------------------------------------------------------------
# READ COMMITTED: a rebuild that waited for a lock must see what the other one committed. UTC: session zones with clock
# changes store the repeated hour wrongly. CONN_MAX_AGE 0: under ASGI every request would keep a connection of its own.
_DATABASE_OPTIONS: dict[str, Any] = {
    "charset": "utf8mb4",
    "isolation_level": "read committed",
    "connect_timeout": 5,
    "local_infile": True,  # rows are sent as files (apps/trucks/messages/bulk_load.py) where the server takes them
    "init_command": "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
}


def _database(url: str) -> dict[str, Any]:
    config = dict(environ.Env.db_url_config(url))
    config["OPTIONS"] = {**config.get("OPTIONS", {}), **_DATABASE_OPTIONS}
    return {**config, "CONN_MAX_AGE": 0, "TEST": {"CHARSET": "utf8mb4"}}


DATABASES = {"default": _database(_env["DATABASE_URL"])}
DATABASE_REPLICA = environ.Env.db_url_config(_env["DATABASE_REPLICA_URL"]) if _env["DATABASE_REPLICA_URL"] else None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the async pool of the hot reads (apps/mysql.py) ----------------------------------------------------------------
POOL_MIN = _env["POOL_MIN"]
POOL_MAX = _env["POOL_MAX"]
POOL_WAIT_S = _env["POOL_WAIT_MS"] / 1000
QUERY_TIMEOUT_S = _env["QUERY_TIMEOUT_MS"] / 1000

# --- the API --------------------------------------------------------------------------------------------------------
RATE_LIMIT_PER_MINUTE = _env["RATE_LIMIT_PER_MINUTE"]
EXPORTS_MAX = _env["EXPORTS_MAX"]
EXPORT_TIMEOUT_S = _env["EXPORT_TIMEOUT_S"]
REMEMBERED_BYTES = _env["REMEMBERED_MB"] * 1_000_000

# --- Wialon ---------------------------------------------------------------------------------------------------------
SYNC_INTERVAL_S = _env["SYNC_INTERVAL_S"]
INITIAL_HISTORY_DAYS = _env["INITIAL_HISTORY_DAYS"]
MIN_FREE_DISK_PCT = _env["MIN_FREE_DISK_PCT"]
SYNC_LANES = _env["SYNC_LANES"]

# --- Celery ---------------------------------------------------------------------------------------------------------
REDIS_URL = _env["REDIS_URL"]
CELERY_BROKER_URL = REDIS_URL
CELERY_TIMEZONE = "UTC"  # ticks of a fixed interval have no hole when clocks change
CELERY_TASK_IGNORE_RESULT = True  # results are rows
CELERY_TASK_ACKS_LATE = True  # a killed worker's task comes back; every task may run twice
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a long task holds up no other
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a misspelt queue is an error, not a queue without a worker
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,  # three times the hard limit: no task is handed out again while it still runs
    "socket_timeout": 10,  # without it a publish can hang for ever
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
}
CELERY_TASK_DEFAULT_QUEUE = "summaries"
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in ("sync", "summaries", "reports")}
CELERY_TASK_ROUTES = {
    "tasks.sync.*": {"queue": "sync"},
    "tasks.backfills.*": {"queue": "summaries"},
    "tasks.summaries.*": {"queue": "summaries"},
    "tasks.reports.*": {"queue": "reports"},
    "tasks.maintenance.*": {"queue": "summaries"},
}
CELERY_IMPORTS = ("tasks.sync", "tasks.backfills", "tasks.summaries", "tasks.reports", "tasks.maintenance")
CELERY_BEAT_SCHEDULE = beat_schedule(SYNC_INTERVAL_S)

# --- mail -----------------------------------------------------------------------------------------------------------
vars().update(environ.Env.email_url_config(_env["EMAIL_URL"]))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _env["DEFAULT_FROM_EMAIL"]

# --- the admin ------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_IPWARE_PROXY_COUNT = _env["PROXIES"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _env["PROXIES"] else None
_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
CSRF_TRUSTED_ORIGINS = [SITE_URL]
AXES_ENABLE_ADMIN = False  # lock-outs end by themselves, or with `manage.py axes_reset`
UNFOLD = {
    "SITE_TITLE": "Fleet",
    "SITE_HEADER": "Fleet",
    "SITE_SUBHEADER": "Trucks, days, costs, reports",
    "SITE_SYMBOL": "local_shipping",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("accounts/icon.svg")}],
    "SITE_URL": None,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "apps.fleet.admin.dashboard.add_today",
    "SIDEBAR": {"navigation": "apps.fleet.admin.navigation.sidebar"},
    "STYLES": [lambda request: static("accounts/admin.css")],
    "SCRIPTS": [lambda request: static("accounts/admin.js")],
    "COLORS": {
        "primary": {  # blue: white text on 600 has a contrast of 5.2
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#60a5fa",
            "500": "#3b82f6",
            "600": "#2563eb",
            "700": "#1d4ed8",
            "800": "#1e40af",
            "900": "#1e3a8a",
            "950": "#172554",
        }
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = not STATIC_ROOT.is_dir()

USE_TZ = True
TIME_ZONE = "UTC"
LOGIN_REDIRECT_URL = "admin:index"  # of who signs in at /admin/login/ itself; /accounts/profile/ does not exist
LANGUAGE_CODE = "en-us"
USE_I18N = False

# --- logs -----------------------------------------------------------------------------------------------------------
LOGGING_CONFIG = None
logging_config(level=_env["LOG_LEVEL"], json=_env["LOG_FORMAT"] == "json", stream=sys.stderr)
