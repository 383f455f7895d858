"""ParamError: the API's error for a value that it refuses, and the functions that make its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import APIError
from ..http.catalog import printable
from .shapes import Integer, Number, Shape, expected, got, listed

#: One step of a path: a member's name or an item's place.
Name = str | int


def path(names: Iterable[Name]) -> str:
    """``messages[0].content``."""
    text = "".join(f"[{name}]" if isinstance(name, int) else f".{printable(name)}" for name in names)
    return text.removeprefix(".")


class ParamError(Exception):
    """The problem of a value, raised by its check; each level above adds its name to ``names``.

    ``message`` is a function of the path. ``param`` is a function of the names, where the error's param is not the path.
    """

    def __init__(
        self,
        message: Callable[[str], str],
        code: str | None,
        *names: Name,
        param: Callable[[list[Name]], str | None] = path,
    ) -> None:
        super().__init__()
        self.message = message
        self.code = code
        #: Innermost first, the order in which the levels add them.
        self.names: list[Name] = list(reversed(names))
        self.param = param

    def error(self) -> APIError:
        """The error as the API sends it."""
        names = self.names[::-1]
        return APIError(400, self.message(path(names)), param=self.param(names), code=self.code)


def wrong_type(shape: Shape, value: Any) -> ParamError:
    """A value of a wrong JSON type."""
    problem = f"expected {expected(shape)}, but got {got(value)} instead."
    return ParamError(lambda at: f"Invalid type for '{at}': {problem}", "invalid_type")


def invalid(problem: str, code: str) -> ParamError:
    """A value of the right type outside its limits: "Invalid 'n': ..."."""
    return ParamError(lambda at: f"Invalid '{at}': {problem}", code)


def not_one_of(values: Sequence[Any], value: Any) -> ParamError:
    """A value that is not one of the allowed values."""
    help = f"Value must be '{values[0]}'." if len(values) == 1 else f"Supported values are: {listed(values, 'and')}."
    problem = f"Invalid value: '{printable(str(value))}'. {help}"
    return ParamError(lambda _: problem, "invalid_value")


def missing(name: str) -> ParamError:
    """A required member that is absent."""
    return ParamError(lambda at: f"Missing required parameter: '{at}'.", "missing_required_parameter", name)


def plain(message: str, *names: Name, code: str | None = None, param: Callable[[list[Name]], str | None] = path) -> ParamError:
    """An error with a message that does not depend on the path."""
    return ParamError(lambda _: message, code, *names, param=param)


def outside(kind: str, shape: Integer | Number, value: float) -> ParamError:
    """A number too large or too small."""
    number = printable(str(value))
    if shape.max is not None and value > shape.max:
        problem = f"{kind} above maximum value. Expected a value <= {shape.max}, but got {number} instead."
        return invalid(problem, f"{kind}_above_max_value")
    problem = f"{kind} below minimum value. Expected a value >= {shape.min}, but got {number} instead."
    return invalid(problem, f"{kind}_below_min_value")


def wrong_length(kind: str, least: int, most: int | None, length: int) -> ParamError:
    """A string or array too long or too short."""
    a = "an" if kind == "array" else "a"
    if most is not None and length > most:
        problem = (
            f"{kind} too long. Expected {a} {kind} with maximum length {most}, but got {a} {kind} with length {length} instead."
        )
        return invalid(problem, f"{kind}_above_max_length")
    expectation = f"Expected {a} {kind} with minimum length {least}"
    if not length:
        return invalid(f"empty {kind}. {expectation}, but got an empty {kind} instead.", f"empty_{kind}")
    return invalid(
        f"{kind} too short. {expectation}, but got {a} {kind} with length {length} instead.", f"{kind}_below_min_length"
    )


def long_name(key: str, longest: int | None) -> ParamError:
    """A member of a Map with too long a name."""
    shortened = printable(f"{key[:3]}...{key[-3:]}")
    expectation = f"Expected a string with maximum length {longest}, but got a string with length {len(key)} instead."
    return ParamError(
        lambda at: f"Invalid property name in '{at}': '{shortened}' is too long. {expectation}",
        "property_name_above_max_length",
        param=lambda names: path([*names, key]),
    )
