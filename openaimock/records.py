"""Records: classes whose constructor, comparison and text are made from their annotations, as ``dataclasses`` makes them.

Importing ``dataclasses`` and making our classes with it took an eighth of the time of each start: it imports ``inspect``, and
compiles the source of every method of every class. This module has the part of it that the package uses, with the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:

    def dataclass(cls=None, **options):
        """A class with the constructor and the methods of a record, or a decorator with options that makes one."""
        return partial(_made, **options) if cls is None else _made(cls)

    def field(*, default_factory=None, **options):
        """The default of a field: the result of a call, or a value with other ``options``."""
        return _Default(default_factory, **options)

    def replace(record, /, **changes):
        """A record with the values of another, except for some."""
        for name in record.__record_fields__:
            if name not in changes:
                changes[name] = getattr(record, name)
        return record.__class__(**changes)


def field_names(record: Any) -> tuple[str, ...]:
    """The names of the fields of a record or of its class, in order; none for anything else."""
    return getattr(record, "__record_fields__", ())


#: A field without a default, and the value of an argument that a default factory makes.
_REQUIRED, _ABSENT = object(), object()


class _Default:
    """What ``field`` declares about a field."""

    def __init__(
        self,
        default_factory: Callable[[], Any] | None = None,
        *,
        default: Any = _REQUIRED,
        init: bool = True,
        repr: bool = True,
    ) -> None:
        self.factory = default_factory
        self.value = default
        self.init = init
        self.repr = repr


def _made(
    cls: Any,
    *,
    init: bool = True,
    repr: bool = True,
    eq: bool = True,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
) -> Any:
    """The class with what the options ask for; without a default of its own, an attribute has none."""
    names = tuple(name for name, kind in cls.__annotations__.items() if not kind.startswith("ClassVar"))
    written = {name: vars(cls)[name] for name in names if name in vars(cls)}
    defaults = {name: item if isinstance(item, _Default) else _Default(default=item) for name, item in written.items()}
    for name, default in defaults.items():
        if slots or default.value is _REQUIRED:
            delattr(cls, name)
        else:
            setattr(cls, name, default.value)
    if slots:
        cls = _with_slots(cls, names)
    cls.__record_fields__ = names
    setattr(cls, "__match_args__", () if kw_only else names)  # noqa: B010 - the type checker forbids the assignment
    if init:
        cls.__init__ = _constructor(cls, names, defaults, frozen, kw_only)
    if repr:
        hidden = {name for name, default in defaults.items() if not default.repr}
        _add(cls, "__repr__", _text_maker(tuple(name for name in names if name not in hidden)))
    if eq:
        _add(cls, "__eq__", _equal)
        _add(cls, "__hash__", _hash if frozen else None)
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse_setting, _refuse_deleting
        cls.__getstate__, cls.__setstate__ = _state, _restore
    return cls


def _add(cls: Any, name: str, method: Any) -> None:
    """Add a method that the class does not define itself; a class with ``__eq__`` has ``__hash__`` None."""
    if vars(cls).get(name) is None:
        setattr(cls, name, method)


def _with_slots(cls: Any, names: tuple[str, ...]) -> Any:
    """The class made anew with slots for its fields."""
    members = {name: member for name, member in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    slotted = type(cls)(cls.__name__, cls.__bases__, {**members, "__slots__": names})
    slotted.__qualname__ = cls.__qualname__
    return slotted


def _constructor(cls: Any, names: tuple[str, ...], defaults: dict[str, _Default], frozen: bool, kw_only: bool) -> Any:
    """The ``__init__``: the only method whose source is compiled, because it runs for each object."""
    scope: dict[str, Any] = {"_set": object.__setattr__}
    parameters, lines = (["*"] if kw_only and names else []), []
    for name in names:
        default, value = defaults.get(name), name
        if default is None:
            parameters.append(name)
        elif not default.init:
            continue
        elif default.factory is not None:
            scope[f"_make_{name}"] = default.factory
            parameters.append(f"{name}=_absent")
            value = f"_make_{name}() if {name} is _absent else {name}"
        else:
            scope[f"_default_{name}"] = default.value
            parameters.append(f"{name}=_default_{name}")
        lines.append(f"  _set(self, {name!r}, {value})" if frozen else f"  self.{name} = {value}")
    scope["_absent"] = _ABSENT
    exec(f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(lines or ["  pass"]), scope)
    constructor = scope["__init__"]
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    constructor.__module__ = cls.__module__
    constructor.__annotations__ = {**{name: cls.__annotations__[name] for name in names}, "return": "None"}
    return constructor


def _values(record: Any) -> tuple[Any, ...]:
    return tuple([getattr(record, name) for name in record.__record_fields__])


def _text_maker(names: tuple[str, ...]) -> Callable[[Any], str]:
    def text(record: Any) -> str:
        return f"{type(record).__qualname__}({', '.join(f'{name}={getattr(record, name)!r}' for name in names)})"

    return text


def _equal(record: Any, other: Any) -> bool:
    return _values(record) == _values(other) if other.__class__ is record.__class__ else NotImplemented


def _hash(record: Any) -> int:
    return hash(_values(record))


def _refuse_setting(record: Any, name: str, value: Any) -> None:
    raise AttributeError(f"cannot assign to field {name!r}")


def _refuse_deleting(record: Any, name: str) -> None:
    raise AttributeError(f"cannot delete field {name!r}")


def _state(record: Any) -> tuple[Any, ...]:
    return _values(record)


def _restore(record: Any, state: tuple[Any, ...]) -> None:
    for name, value in zip(record.__record_fields__, state, strict=True):
        object.__setattr__(record, name, value)
