"""What compiled templates call for each value they write: plain text is escaped in one step, markup is passed on as it is.

MarkupSafe's own `escape` makes an object of every text so that nobody escapes it twice; of what goes straight into the
page nothing needs to know that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2.runtime import Macro, missing
from markupsafe import Markup, _escape_inner, escape

_new = str.__new__


def marked_up(text: str) -> Markup:
    """`text` as markup: only for what the program itself wrote, such as its catalogue of sentences."""
    return _new(Markup, text)


def written(value: Any) -> str:
    """`value` as the page shows it: text escaped, markup as it is."""
    kind = type(value)
    if kind is Markup:
        return value
    if kind is str:
        return _escape_inner(value)
    if kind is int:
        return str(value)
    return escape(value)


def joined(parts: Iterable[Any]) -> str:
    """The parts one after another (`~`); markup when one of them is, and then the others are escaped."""
    for part in parts:
        if type(part) is not str and hasattr(part, "__html__"):
            return marked_up("".join(map(written, parts)))
    return "".join(map(str, parts))


class QuickMacro(Macro):
    """A macro that is called like any function. All templates are HTML, so what it makes is markup."""

    def __call__(self, *args: Any, **kwargs: Any) -> Markup:
        given = len(args)
        if given < self._argument_count:
            args += tuple([kwargs.pop(name, missing) for name in self.arguments[given:]])
        elif given > self._argument_count:
            raise TypeError(f"macro {self.name!r} takes not more than {self._argument_count} arguments")
        if self.caller and not self.explicit_caller:
            caller = kwargs.pop("caller", None)
            args += (self._environment.undefined("No caller defined", name="caller") if caller is None else caller,)
        if self.catch_kwargs:
            args += (kwargs,)
        elif kwargs:
            raise TypeError(f"macro {self.name!r} takes no keyword argument {next(iter(kwargs))!r}")
        return _new(Markup, self._func(*args))
