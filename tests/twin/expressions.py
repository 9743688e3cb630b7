"""What a sensor's expression says of a message.

None when that does not tell it, and NaN when it was sent but is unusable: dropped.
"""

import math
import re
from typing import Any

from tests.twin.page import Message

Value = float | None
Node = tuple[Any, ...]
NAN = math.nan
INVALID_MARKER_FROM, INVALID_MARKER_TO = -348_201.45, -348_201.33
CODE_WIDTHS = ((0xFA, 0xFF), (0xFAFF, 0xFFFF), (0xFAFFFFFF, 0xFFFFFFFF))  # highest valid code, "not available" code
OF_MESSAGE = {"time": "t", "regtime": "rt"}
OF_POSITION = {"speed": "s", "altitude": "z", "sats": "sc", "course": "c", "lat": "y", "lon": "x"}
TOKEN = re.compile(
    r"\s*(?:const(?P<const>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|\[(?P<sensor>[^\]]+)\]"
    r"|(?P<previous>\#?)(?P<param>[\w.]+)(?::(?P<conversion>\d+))?|(?P<sign>[-+*/^()|]))\s*"
)


def number(raw: object) -> Value:
    """A parameter's value as a float; NaN for text that is no number and for Wialon's invalid marker."""
    if raw is None:
        return None
    try:
        value = float(raw) if "_" not in str(raw) else NAN  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return NAN
    return NAN if INVALID_MARKER_FROM < value < INVALID_MARKER_TO else value


def is_usable(value: Value) -> bool:
    return value is not None and math.isfinite(value)


def sent(message: Message | None, name: str) -> object:
    """What the message says of itself under this name (position, time, inputs, outputs), else its parameter."""
    if message is None:
        return None
    of_itself = None
    if name in OF_MESSAGE:
        of_itself = message.get(OF_MESSAGE[name])
    elif name in OF_POSITION:
        of_itself = (message.get("pos") or {}).get(OF_POSITION[name])
    elif name.startswith(("in", "out")) and (port := re.fullmatch(r"(in|out)([1-9]\d?)?", name)):
        of_itself = input_or_output(message, port[1], port[2])
    return (message.get("p") or {}).get(name) if of_itself is None else of_itself


def input_or_output(message: Message, name: str, line: str | None) -> object:
    """The mask of the inputs or outputs or one line of it; a 0 that the flags do not announce was not measured."""
    mask, announced = message.get(name[0]), int(message.get("f") or 0) & (2 if name == "in" else 4)
    if mask is None or (mask == 0 and "f" in message and not announced):
        return None
    return mask if line is None else mask >> (int(line) - 1) & 1


def converted(raw: object, conversion: int) -> Value:
    """A text read in that numeral system, else that bit of a number, 1 being the lowest."""
    if isinstance(raw, str) and conversion in (2, 8, 10, 16):
        try:
            return float(int(raw, conversion)) if "_" not in raw else NAN
        except ValueError:
            return NAN
    value = number(raw)
    if value is None:
        return None
    return float(int(value) >> (conversion - 1) & 1) if math.isfinite(value) else NAN


def combine(sign: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case _:
                return math.pow(left, right)
    except (ArithmeticError, ValueError):
        return NAN


def parsed(text: str) -> Node:
    """The syntax tree: `+ -` below `* /` below a sign below `^` (from the right) below `|`.

    Leaves are ("const", value), ("param", name, of the previous message, conversion) and ("sensor", name).
    """
    tokens: list[re.Match[str]] = []
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"cannot read {text[position:]!r}")
        tokens.append(token)
        position = token.end()
    node = parsed_sum(tokens)
    if tokens:
        raise ValueError(f"unexpected {tokens[0][0]!r}")
    return node


def taken(tokens: list[re.Match[str]], signs: str) -> str:
    """The next token if it is one of the signs, else an empty text."""
    sign = tokens[0]["sign"] if tokens else None
    if sign is None or sign not in signs:
        return ""
    tokens.pop(0)
    return sign


def parsed_sum(tokens: list[re.Match[str]]) -> Node:
    node = parsed_product(tokens)
    while sign := taken(tokens, "+-"):
        node = (sign, node, parsed_product(tokens))
    return node


def parsed_product(tokens: list[re.Match[str]]) -> Node:
    node = parsed_power(tokens)
    while sign := taken(tokens, "*/"):
        node = (sign, node, parsed_power(tokens))
    return node


def parsed_power(tokens: list[re.Match[str]]) -> Node:
    if sign := taken(tokens, "+-"):
        operand = parsed_power(tokens)
        return ("-", ("const", 0.0), operand) if sign == "-" else operand
    base = parsed_operand(tokens)
    while taken(tokens, "|"):
        base = ("|", base, parsed_operand(tokens))
    return ("^", base, parsed_power(tokens)) if taken(tokens, "^") else base


def parsed_operand(tokens: list[re.Match[str]]) -> Node:
    if taken(tokens, "("):
        node = parsed_sum(tokens)
        if not taken(tokens, ")"):
            raise ValueError("a bracket is not closed")
        return node
    if not tokens or tokens[0]["sign"]:
        raise ValueError("a value is missing")
    token = tokens.pop(0)
    if token["const"]:
        return ("const", float(token["const"]))
    if token["sensor"]:
        return ("sensor", token["sensor"].strip())
    return ("param", token["param"], bool(token["previous"]), int(token["conversion"] or 0))
