"""Wialon's sensor expressions: text in, syntax tree out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MAX_TOKENS = 400
MAX_NESTING = 40
# Numeral systems of the `:` operator on text parameters; on numbers the same digits name a bit.
NUMERAL_SYSTEMS = frozenset({2, 8, 10, 16})
_BITS = 64

# The user guide prints expressions with typographic signs, and they get pasted as they are.
_TYPOGRAPHIC_SIGNS = str.maketrans({"\u2212": "-", "\u2217": "*"})

_TOKEN = re.compile(
    r"""
      const(?P<constant>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])
    | \[(?P<sensor>[^\[\]]*)\]
    | (?P<hash>\#?)(?P<parameter>[\w.]+)(?:\s*:\s*(?P<conversion>[0-9]{1,2})(?![\w.]))?
    | (?P<sign>[-+*/^|()])
    | (?P<space>\s+)
    """,
    re.VERBOSE,
)

# `|` chooses between parameters, so it binds tighter than any arithmetic; a sign binds looser than a power.
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4, "|": 5}
_SIGN_PRECEDENCE = 3


class ExpressionError(ValueError):
    """The text is not an expression; the message says why, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the message, or of the previous one (`#name`).

    `conversion` is the number after the colon: a bit counted from 1, or the numeral system of a text.
    """

    name: str
    previous: bool = False
    conversion: int | None = None


@dataclass(frozen=True, slots=True)
class SensorReference:
    name: str


@dataclass(frozen=True, slots=True)
class Negation:
    operand: Node


@dataclass(frozen=True, slots=True)
class Operation:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class FirstValid:
    """`a|b|c`: the first alternative that has a valid value."""

    alternatives: tuple[Node, ...]


Node: TypeAlias = Constant | Parameter | SensorReference | Negation | Operation | FirstValid
_Token: TypeAlias = Node | str


def parse(text: str) -> Node:
    """The syntax tree of an expression.

    Raises ExpressionError, and nothing else, for a text that is not one.
    """
    tokens = _tokenize(text.translate(_TYPOGRAPHIC_SIGNS))
    if not tokens:
        raise ExpressionError("the parameter is empty")
    return _Parser(tokens).parse()


def references(node: Node) -> frozenset[str]:
    """The names of the sensors that an expression reads."""
    return frozenset(part.name for part in _parts(node) if isinstance(part, SensorReference))


def indispensable(node: Node) -> frozenset[str]:
    """The names of the sensors without which an expression never has a value: not those that `|` can do without."""
    match node:
        case SensorReference(name):
            return frozenset({name})
        case Negation(operand):
            return indispensable(operand)
        case Operation(_, left, right):
            return indispensable(left) | indispensable(right)
        case FirstValid(alternatives):
            return frozenset.intersection(*map(indispensable, alternatives))
        case _:
            return frozenset()


def reads_previous(node: Node) -> bool:
    """Whether the expression needs the message before."""
    return any(isinstance(part, Parameter) and part.previous for part in _parts(node))


def _parts(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case Negation(operand):
                waiting.append(operand)
            case Operation(_, left, right):
                waiting += (left, right)
            case FirstValid(alternatives):
                waiting += alternatives


def _tokenize(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"unexpected {text[position]!r} at character {position + 1}")
        if match["space"] is None:
            tokens.append(_token(match))
        if len(tokens) > MAX_TOKENS:
            raise ExpressionError(f"longer than {MAX_TOKENS} terms and signs")
        position = match.end()
    return tokens


def _token(match: re.Match[str]) -> _Token:
    if match["constant"] is not None:
        return _constant(match["constant"])
    if match["sensor"] is not None:
        return SensorReference(match["sensor"].strip())
    if match["parameter"] is not None:
        return Parameter(match["parameter"], bool(match["hash"]), _conversion(match["conversion"]))
    return match["sign"]


def _constant(digits: str) -> Constant:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ExpressionError(f"the constant {digits} is too large")
    return Constant(value)


def _conversion(digits: str | None) -> int | None:
    if digits is None:
        return None
    if not 1 <= int(digits) <= _BITS:
        raise ExpressionError(f"bit {digits} is not one of 1 to {_BITS}")
    return int(digits)


class _Parser:
    """Precedence climbing over a list of tokens; nesting is bounded, so that no text can exhaust the stack."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._nesting = 0

    def parse(self) -> Node:
        node = self._expression(0)
        if self._position < len(self._tokens):
            raise ExpressionError(f"an operator is missing before {self._described()}")
        return node

    def _expression(self, precedence: int) -> Node:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise ExpressionError(f"nested deeper than {MAX_NESTING} levels")
        left = self._operand()
        while (sign := self._operator(precedence)) is not None:
            self._position += 1
            # A power groups to the right, everything else to the left.
            right = self._expression(_PRECEDENCE[sign] + (sign != "^"))
            left = _join(sign, left, right)
        self._nesting -= 1
        return left

    def _operator(self, precedence: int) -> str | None:
        token = self._peek()
        return token if isinstance(token, str) and _PRECEDENCE.get(token, -1) >= precedence else None

    def _operand(self) -> Node:
        token = self._peek()
        if token is None:
            raise ExpressionError("a parameter is missing at the end")
        if not isinstance(token, str):
            self._position += 1
            return token
        if token in "+-(":
            self._position += 1
            return self._group() if token == "(" else self._signed(token)
        raise ExpressionError(f"a parameter is missing before {token!r}")

    def _group(self) -> Node:
        node = self._expression(0)
        if self._peek() != ")":
            raise ExpressionError("a closing parenthesis is missing")
        self._position += 1
        return node

    def _signed(self, sign: str) -> Node:
        operand = self._expression(_SIGN_PRECEDENCE)
        return Negation(operand) if sign == "-" else operand

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _described(self) -> str:
        token = self._tokens[self._position]
        match token:
            case str():
                return repr(token)
            case Parameter(name) | SensorReference(name):
                return repr(name)
            case _:
                return "a constant"


def _join(sign: str, left: Node, right: Node) -> Node:
    if sign != "|":
        return Operation(sign, left, right)
    earlier = left.alternatives if isinstance(left, FirstValid) else (left,)
    return FirstValid((*earlier, right))
