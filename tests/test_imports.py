"""Imports go one way, and the modules that compute know nothing of Django."""

import ast
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("apps", "tasks", "fleet_project", "wialon_simulator", "demo", "tests")
# Each may import those before it.
LAYERS = (
    "apps.wire",
    "apps.resultset",
    "apps.prepared",
    "apps.pool",
    "apps.mysql",
    "apps.merging",
    "apps.accounts",
    "apps.files",
    "apps.trucks",
    "apps.fleet",
    "tasks",
    "fleet_project",
)
# Within the trucks: what a truck's messages are and what is found in them does not depend on how they are come by.
KNOW_NO_SYNC = tuple(f"apps.trucks.{name}" for name in ("models", "sensors", "messages", "detection"))
# Besides those whose docstring says that they are.
PURE = (
    *(f"apps.files.{name}" for name in ("cells", "job", "csv_file", "xlsx_file", "writer")),
    "apps.trucks.sensors",
    *(f"apps.trucks.detection.{name}" for name in (
        "daily", "faults", "fuel", "harsh", "history", "idling", "motion", "places", "quantities", "speeding", "track",
        "trips",
    )),
    "apps.trucks.parameters",
)  # fmt: skip


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def modules(root: Path, packages: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of every module of the packages."""
    for package in packages:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imported(root: Path, module: str, file: Path) -> set[str]:
    """The absolute names of what a module imports anywhere in it; of `from a import b` a.b where that is a module."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            inner = {f"{source}.{alias.name}" for alias in node.names}
            names |= {name for name in inner if is_module(root, name)} or {source}
    return names


def is_module(root: Path, name: str) -> bool:
    place = root.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def layer(module: str) -> int | None:
    return next((number for number, name in enumerate(LAYERS) if is_within(module, name)), None)


def wrong_ways(root: Path) -> list[str]:
    """Imports against the order of the layers, or of what is beside them."""
    found = []
    for module, file in modules(root, ("apps", "tasks", "fleet_project")):
        own = layer(module)
        for name in sorted(imported(root, module, file)):
            if name.split(".")[0] not in OURS:
                continue
            its = layer(name)
            if own is None or its is None or its > own:
                found.append(f"{module} imports {name}")
    return found


def dependent_on_sync(root: Path) -> list[str]:
    """Imports of the sync by what the sync is built on."""
    return [
        f"{module} imports {name}"
        for module, file in modules(root, ("apps/trucks",))
        if any(is_within(module, package) for package in KNOW_NO_SYNC)
        for name in sorted(imported(root, module, file))
        if is_within(name, "apps.trucks.sync")
    ]


def dependencies_of_the_simulator(root: Path) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, file in modules(root, ("wialon_simulator",))
        for name in sorted(imported(root, module, file))
        if name.split(".")[0] in {*OURS, "django"} - {"wialon_simulator"}
    ]


def impure(root: Path) -> list[str]:
    """Modules that are pure, or say so, and import Django, themselves or through a module of ours."""
    files = dict(modules(root, ("apps",)))
    imports = {module: sorted(imported(root, module, file)) for module, file in files.items()}
    return [
        f"{module}: {' ← '.join(way)}"
        for module in files
        if any(is_within(module, name) for name in PURE) or says_it_is_pure(files[module])
        if (way := _way_to_django(imports, module))
    ]


def several_names(root: Path) -> list[str]:
    """Modules that an app calls by several names: whoever reads `x.FIGURES` should know at once which x that is."""
    called = defaultdict(set)
    for module, file in modules(root, ("apps", "tasks", "fleet_project")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    if is_module(root, name):
                        called[".".join(module.split(".")[:2]), name].add(alias.asname or alias.name)
    return [
        f"{app} calls {name} {' and '.join(sorted(names))}" for (app, name), names in called.items() if len(names) > 1
    ]


def says_it_is_pure(file: Path) -> bool:
    return bool(re.search(r"\bPure[.;:]", ast.get_docstring(ast.parse(file.read_text())) or ""))


def _way_to_django(imports: dict[str, list[str]], module: str) -> tuple[str, ...]:
    """One of the shortest ways of imports from a module to Django; none where there is no way."""
    ways, seen = deque([(module,)]), {module}
    while ways:
        way = ways.popleft()
        for name in imports.get(way[-1], []):
            if is_within(name, "django"):
                return (*way, name)
            if name in imports and name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()


def test_imports_go_one_way() -> None:
    assert wrong_ways(ROOT) == []


def test_detection_does_not_depend_on_the_sync() -> None:
    assert dependent_on_sync(ROOT) == []


def test_the_simulator_knows_nothing_of_the_product() -> None:
    assert dependencies_of_the_simulator(ROOT) == []


def test_what_computes_does_not_know_django() -> None:
    assert impure(ROOT) == []


def test_a_module_has_one_name_in_an_app() -> None:
    assert several_names(ROOT) == []


def test_every_layer_and_pure_module_is_there() -> None:
    assert [name for name in (*LAYERS, *PURE) if not is_module(ROOT, name)] == []


PLANTED = [
    ("apps/accounts/models.py", "from apps.trucks.models import Truck", wrong_ways),
    ("apps/accounts/models.py", "from ..trucks import models", wrong_ways),
    ("apps/accounts/models.py", "from .. import fleet", wrong_ways),
    ("apps/mysql.py", "import apps.accounts.models", wrong_ways),
    ("apps/trucks/models.py", "def late():\n    from apps.fleet.models import FleetDay", wrong_ways),
    ("apps/fleet/models.py", "from tasks import sync", wrong_ways),
    ("apps/fleet/models.py", "from wialon_simulator import Simulator", wrong_ways),
    ("tasks/sync.py", "from fleet_project.settings import DEBUG", wrong_ways),
    ("tasks/sync.py", "import tests.rows", wrong_ways),
    ("fleet_project/settings.py", "from demo.keys import KEY", wrong_ways),
    ("wialon_simulator/clock.py", "from apps.accounts.calendar import day_of", dependencies_of_the_simulator),
    ("wialon_simulator/clock.py", "import django", dependencies_of_the_simulator),
    ("apps/trucks/detection/motion.py", "from django.db import models", impure),
    ("apps/trucks/detection/motion.py", "from ..models import Truck", impure),
    ("apps/trucks/detection/motion.py", "from apps.trucks.sync.leases import LeaseLost", dependent_on_sync),
    ("apps/fleet/allocation.py", "from apps.trucks.models import Truck", impure),
    ("apps/trucks/sensors/kinds.py", "from ..models import Truck", impure),
    ("tasks/sync.py", "from apps.fleet import models as fleet_models", several_names),
]


@pytest.mark.parametrize(("file", "line", "check"), PLANTED, ids=[f"{file}: {line}" for file, line, _ in PLANTED])
def test_a_planted_violation_is_found(file: str, line: str, check: Callable[[Path], list[str]], tmp_path: Path) -> None:
    tree = {
        "apps/__init__.py": "",
        "apps/mysql.py": "import asyncio",
        "apps/accounts/__init__.py": "",
        "apps/accounts/models.py": "from apps import mysql",
        "apps/trucks/__init__.py": "",
        "apps/trucks/models.py": "from django.db import models\nfrom apps.accounts.models import Fleet",
        "apps/trucks/detection/__init__.py": "",
        "apps/trucks/detection/motion.py": "from .points import Point",
        "apps/trucks/detection/points.py": "import math",
        "apps/trucks/sync/__init__.py": "",
        "apps/trucks/sync/leases.py": "from apps.trucks.detection import motion",
        "apps/trucks/sensors/__init__.py": "from .kinds import Kind",
        "apps/trucks/sensors/kinds.py": "",
        "apps/fleet/__init__.py": "",
        "apps/fleet/allocation.py": '"""Spreads invoices. Pure; in cents."""',
        "apps/fleet/models.py": "from apps.trucks.models import Truck",
        "tasks/__init__.py": "",
        "tasks/sync.py": "from apps.fleet import models",
        "fleet_project/__init__.py": "",
        "fleet_project/settings.py": "from tasks.sync import beat_schedule",
        "wialon_simulator/__init__.py": "",
        "wialon_simulator/clock.py": "from wialon_simulator import simulator",
    }
    for name, text in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert check(tmp_path) == []
    (tmp_path / file).write_text(f"{tree[file]}\n{line}\n")
    assert check(tmp_path) != []
