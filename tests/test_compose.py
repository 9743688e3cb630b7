"""Holds docker-compose.yml and the Dockerfile against the code: names, queues, ports and database settings agree."""

import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings

from fleet_project.environment import VARIABLES, load

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "fleet-project"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DOCUMENTED = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
# Read by the process itself, not by the settings.
READ_BY_OTHERS = {"web": {"GRANIAN_WORKERS"}, "worker": {"REMAP_SIGTERM"}}


def options(command: list[str]) -> dict[str, str]:
    return dict(part[2:].split("=", 1) for part in command if part.startswith("--") and "=" in part)


def test_the_services_are_the_ones_that_the_operations_page_describes() -> None:
    assert set(SERVICES) == {"mariadb", "redis", "migrate", "web", "worker", "beat"}
    assert set(OURS) == {"migrate", "web", "worker", "beat"}


def test_the_worker_reads_every_declared_queue_and_no_other() -> None:
    command = SERVICES["worker"]["command"]
    queues = command[command.index("-Q") + 1].split(",")
    assert sorted(queues) == sorted(settings.CELERY_TASK_QUEUES)
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} <= set(queues)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_celery_is_started_on_this_project(name: str) -> None:
    assert SERVICES[name]["command"][:4] == ["celery", "-A", "fleet_project", name]


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_gets_every_setting_but_debug_and_no_unknown_one(name: str) -> None:
    assert set(OURS[name]["environment"]) == set(VARIABLES) - {"DEBUG"} | READ_BY_OTHERS.get(name, set())


def test_what_must_be_set_has_a_value_in_compose() -> None:
    required = {name for name, declared in VARIABLES.items() if len(declared) == 1}
    assert {name for name in required if not OURS["web"]["environment"][name]} == set()


def test_every_variable_is_documented_in_the_example_environment() -> None:
    substituted = set(re.findall(r"\$\{(\w+)", TEXT))
    passed_on = {name for name, value in OURS["web"]["environment"].items() if value is None}
    assert substituted | passed_on <= DOCUMENTED


def test_every_setting_is_explained_on_the_operations_page() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(VARIABLES)


def test_no_secret_has_a_default() -> None:
    substitutions = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)(:\?|[^}]*)", TEXT)
    assert len(substitutions) >= 4
    assert {name for name, operator in substitutions if operator != ":?"} == set()


def test_one_port_from_the_published_one_to_the_server() -> None:
    [published] = SERVICES["web"]["ports"]
    address, _, container_port = published.rpartition(":")
    command = SERVICES["web"]["command"]
    assert address.startswith("127.0.0.1:")
    assert command[command.index("--port") + 1] == container_port
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [container_port]
    assert f"http://127.0.0.1:{container_port}/healthz" in DOCKERFILE
    assert f"${{GRANIAN_PORT:-{container_port}}}" in (ROOT / "scripts/web").read_text()


def test_urls_name_the_services_of_this_file() -> None:
    environment, mariadb = OURS["web"]["environment"], SERVICES["mariadb"]["environment"]
    assert environment["DATABASE_URL"].startswith(f"mysql://{mariadb['MARIADB_USER']}:")
    assert environment["DATABASE_URL"].endswith(f"@mariadb:3306/{mariadb['MARIADB_DATABASE']}")
    assert environment["REDIS_URL"].endswith("@redis:6379/0")


def test_a_service_waits_only_for_conditions_that_can_come_true() -> None:
    for service in SERVICES.values():
        for name, dependency in service.get("depends_on", {}).items():
            if dependency["condition"] == "service_healthy":
                assert "test" in SERVICES[name]["healthcheck"], name
            else:
                assert dependency["condition"] == "service_completed_successfully"
                assert SERVICES[name]["restart"] == "no", name


def test_everything_but_migrations_is_restarted_and_watched() -> None:
    lasting = {name: service for name, service in SERVICES.items() if name != "migrate"}
    assert {service["restart"] for service in lasting.values()} == {"unless-stopped"}
    unwatched = {name for name, service in lasting.items() if "test" not in service.get("healthcheck", {})}
    assert unwatched == {"web"}
    assert "\nHEALTHCHECK " in DOCKERFILE


def test_a_stop_leaves_the_worker_its_soft_shutdown() -> None:
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


def test_the_database_is_set_up_as_the_private_one_of_the_tests() -> None:
    configured = dict(re.findall(r"^([a-z_-]+) = (.+)$", (ROOT / "scripts/services").read_text(), re.MULTILINE))
    private = {name.replace("_", "-"): value.strip("'") for name, value in configured.items()}
    composed = options(SERVICES["mariadb"]["command"])
    own_size = {"innodb-buffer-pool-size"}
    assert {name: private[name] for name in composed.keys() - own_size} == {
        name: value for name, value in composed.items() if name not in own_size
    }


def test_the_image_starts_from_what_it_is_tested_on() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["debian:bookworm-slim"] * 2
    assert "--require-hashes -r /tmp/requirements.txt" in DOCKERFILE
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["fleet"]


def test_the_settings_load_with_what_the_image_is_built_with(tmp_path: Path) -> None:
    given = dict(re.findall(r"\b([A-Z_]+_(?:KEY|URL))=(\S+)", DOCKERFILE))
    key = Fernet.generate_key().decode()
    with patch.dict("os.environ", {name: key if text == "$key" else text for name, text in given.items()}, clear=True):
        assert load(tmp_path)["SECRET_KEY"] == key
