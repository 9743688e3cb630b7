"""How the sensors of a unit depend on each other: the order to evaluate them in, and which never can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from .definition import Problem, SensorDefinition
from .expression import Node, indispensable, parse, references


@dataclass(frozen=True, slots=True)
class Resolution:
    """The sensors that can be evaluated, each after those that it reads."""

    order: tuple[SensorDefinition, ...]
    expressions: Mapping[int, Node]
    sensor_ids: Mapping[str, int]  # of several sensors with one name the lowest id
    problems: tuple[Problem, ...]


def resolve(definitions: Sequence[SensorDefinition], broken: Set[int]) -> Resolution:
    """The order of evaluation without the `broken` sensors, those that need one of them, and circles."""
    sensor_ids = {definition.name: definition.id for definition in sorted(definitions, key=_descending_id)}
    usable = {each.id: each for each in definitions if each.id not in broken}
    expressions = {sensor_id: parse(each.expression) for sensor_id, each in usable.items()}
    feeds = {
        sensor_id: usable.keys() & _feeding(usable[sensor_id], expression, sensor_ids)
        for sensor_id, expression in expressions.items()
    }
    order: dict[int, SensorDefinition] = {}
    problems: list[Problem] = []
    for sensor_id in _topological(feeds):
        definition = usable[sensor_id]
        obstacle = _obstacle(definition, expressions[sensor_id], sensor_ids, order.keys())
        if obstacle is None:
            order[sensor_id] = definition
        else:
            problems.append(Problem(sensor_id, definition.name, obstacle))
    for sensor_id in usable.keys() - order.keys() - {problem.sensor_id for problem in problems}:
        problems.append(
            Problem(sensor_id, usable[sensor_id].name, "it reads itself, directly or through other sensors")
        )
    return Resolution(tuple(order.values()), expressions, sensor_ids, tuple(problems))


def _descending_id(definition: SensorDefinition) -> int:
    return -definition.id


def _feeding(definition: SensorDefinition, expression: Node, sensor_ids: Mapping[str, int]) -> set[int]:
    """The ids of the sensors that a sensor reads, its validator among them."""
    feeding = {sensor_ids[name] for name in references(expression) if name in sensor_ids}
    return feeding if definition.validator_id is None else feeding | {definition.validator_id}


def _topological(feeds: Mapping[int, Set[int]]) -> Iterator[int]:
    """Each sensor after those that feed it; sensors on a circle, or fed by one, do not come at all."""
    sorter = TopologicalSorter(feeds)
    # Told of a circle the sorter still hands out whatever the circle does not block.
    with suppress(CycleError):
        sorter.prepare()
    while ready := sorter.get_ready():
        yield from ready
        sorter.done(*ready)


def _obstacle(
    definition: SensorDefinition, expression: Node, sensor_ids: Mapping[str, int], valued: Set[int]
) -> str | None:
    """Why the sensor can never have a value, given the sensors that can."""
    for name in sorted(indispensable(expression)):
        if name not in sensor_ids:
            return f"it reads [{name}], but the unit has no sensor of that name"
        if sensor_ids[name] not in valued:
            return f"it reads [{name}], which cannot be evaluated"
    if definition.validator_id is not None and definition.validator_id not in valued:
        return f"its validator, sensor {definition.validator_id}, does not exist or cannot be evaluated"
    return None
