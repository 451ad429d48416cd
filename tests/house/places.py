"""Every address of the application, with ids of existing records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from flask import Flask
from werkzeug.routing import Rule

from hms.formulary.medicines.catalogue import read_rule_rows
from hms.formulary.safety.rule_lists import LISTS

WORDS = {
    "key": "hospital.name",
    "patients.keep_registration:key": "abcdefghijkl",
    "patients.discard_registration:key": "abcdefghijkl",
    "secret": "no-such-link",
    "mark": "0123456789abcdef",
    "what": "hold",
    "filename": "css/hms.css",
    "draft": "0123456789ab",
    "kind": "appointment.reminder",
    "channel": "sms",
    "language": "en",
    "number": "1",
    "clinical.change_problem:step": "resolve",
    "list_name": "kidney",
    "rule_key": LISTS["kidney"].key_of(read_rule_rows()["kidney"][0]),
}
"""Values of URL arguments that are not records."""


_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def filled(rule: Rule, value: str) -> str:
    """The address of `rule` with `value` for each of its arguments; `{}` in `value` stands for the argument's name."""
    return _ARGUMENT.sub(lambda found: value.replace("{}", found[1]), rule.rule)


class Place(NamedTuple):
    """One route and method with an address that reaches it."""

    method: str
    path: str
    endpoint: str
    rule: str

    @property
    def is_api(self) -> bool:
        return self.rule.startswith("/api/")


def places(app: Flask, known: dict[str, int]) -> Iterator[Place]:
    """Every route × method; `known` has an id for each kind of record, by the name of the argument.

    Raises `KeyError` with the rule when an argument has no value: give it one in `known` or in `WORDS`.
    """
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.startswith("kit.") or rule.endpoint == "static":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Place(method, _address(app, rule, known), rule.endpoint, rule.rule)


def _address(app: Flask, rule: Rule, known: dict[str, int]) -> str:
    values = {}
    for name in rule.arguments - set(rule.defaults or {}):
        given = [of[at] for of in (known, WORDS) for at in (f"{rule.endpoint}:{name}", name) if at in of]
        if not given:
            raise KeyError(f"{rule.rule}: no {name} is known")
        values[name] = given[0]
    return app.url_map.bind("").build(rule.endpoint, values | (rule.defaults or {}), force_external=False)
