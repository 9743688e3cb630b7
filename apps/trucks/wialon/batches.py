"""Many loads in one request: the answers of a `core/batch`, each an answer or an error of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apps.trucks.wialon.answers import ALL_MESSAGES, LOAD, UNLOAD, count_of, interval, messages_of
from apps.trucks.wialon.errors import IN_ONE, RequestRefused, TooMuch, WialonError, checked
from apps.trucks.wialon.windows import Window

CALLS = 40  # in one request
Ask = Callable[[str, Mapping[str, Any]], Any]
Wanted = tuple[int, int, int]  # a unit, and the first and last second of its messages, both included


def messages_of_many(ask: Ask, wanted: Sequence[Wanted], window: Window) -> dict[int, list[dict[str, Any]]]:
    """Unit → its messages, of those that came whole; nothing where Wialon takes no batches. Raises WialonError.

    In halves where Wialon finds the answer too large, which the window learns.
    """
    try:
        answers = _loaded(ask, wanted, ALL_MESSAGES)
    except TooMuch:
        window.was_too_much(len(wanted))
        middle = len(wanted) // 2
        halves = (wanted[:middle], wanted[middle:]) if middle else ()
        return {unit: messages for half in halves for unit, messages in messages_of_many(ask, half, window).items()}
    except RequestRefused:
        return {}
    window.was_answered(len(wanted))
    loaded = ((unit, _whole(answer)) for (unit, *_), answer in zip(wanted, answers, strict=False))
    return {unit: messages for unit, messages in loaded if messages is not None}


def counts(ask: Ask, wanted: Sequence[Wanted]) -> list[int | None] | None:
    """How many messages there are of each; None where they have to be counted one by one.

    Raises WialonError where they cannot be counted one by one either.
    """
    try:
        answers = _loaded(ask, wanted, 0)
    except (RequestRefused, TooMuch):
        return None
    try:
        return [count_of(checked(LOAD, answer)) for answer in answers] or None
    except WialonError:  # one by one it is seen which, and tried again
        return None


def _loaded(ask: Ask, wanted: Sequence[Wanted], limit: int) -> list[Any]:
    """The answer to each, unchecked; none where what came is no answer to a batch. Raises WialonError."""
    calls = [{"svc": LOAD, "params": interval(*each, limit=limit)} for each in wanted]
    answers = ask(IN_ONE, {"params": [*calls, {"svc": UNLOAD, "params": {}}], "flags": 0})
    return answers[:-1] if isinstance(answers, list) and len(answers) == len(calls) + 1 else []


def _whole(answer: Any) -> list[dict[str, Any]] | None:
    """The messages of one answer; None where it is an error, or not certain to be all there is."""
    try:
        loaded = checked(LOAD, answer)
        count_of(loaded)
        return messages_of(loaded)
    except WialonError:
        return None
