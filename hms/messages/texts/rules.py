"""Renders the text of a message. A text may use the offered names and `{% if %}`, nothing else: it cannot reach a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_SUBJECT, MAX_TEXT = 200, 1_000
MAY_BE_BLANK = frozenset({"hospital_phone", "hospital_address", "details", "link"})
MAX_RENDERED = 2_000
_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
_CANNOT_BE_READ = N_("This text cannot be read: %(problem)s. Check the brackets {{ }}.")
_UNREADABLE = (TemplateError, RecursionError, SyntaxError)
"""What Jinja raises for a text; the last two for brackets or `not` that are nested too deep."""
_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)


def check_text(text: str, names: Collection[str], field: str) -> None:
    """Raise `RuleBroken` at `field` for a text that cannot be rendered, or that uses more than `names` and `{% if %}`."""
    try:
        found = list(_environment.parse(text).find_all(nodes.Node))
    except _UNREADABLE as error:
        raise RuleBroken(_CANNOT_BE_READ, field, problem=str(error)) from error
    for node in found:
        if not isinstance(node, _ALLOWED):
            raise RuleBroken(N_("Use only the names in the list, and {% if name %} … {% endif %}."), field)
        if isinstance(node, nodes.Name) and node.name not in names:
            raise RuleBroken(N_("“%(name)s” is not in the list of names."), field, name=node.name)


def render(text: str, values: Mapping[str, str]) -> str:
    """`text` with its names replaced; raises `RuleBroken` when it cannot be rendered."""
    check_text(text, values.keys(), "body")
    try:
        rendered = _environment.from_string(text).render(values)
    except _UNREADABLE as error:
        raise RuleBroken(_CANNOT_BE_READ, "body", problem=str(error)) from error
    return "\n".join(line.rstrip() for line in rendered.strip().splitlines())[:MAX_RENDERED]
