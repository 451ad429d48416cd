"""The blueprint of a desk's endpoints and the base class of their schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType


class ApiParser(FlaskParser):
    """Reads a body; what the schema refuses is 400, as the original answers."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": EXCLUDE, "query": EXCLUDE}

    def _raw_load_json(self, req: Request) -> Any:
        """Reads JSON as `core/web/json_provider.py` does instead of webargs' own way; a body that is not JSON is refused with
        that reason.

        A DELETE may come without a body.
        """
        if req.method == "DELETE" and not req.get_data():
            return {}
        if not req.is_json:
            raise UnsupportedMediaType
        return req.get_json()


class ApiSchema(Schema):
    """A JSON object. Views hand in plain dicts already projected to the role, so that an answer is passed on as it is;
    tests check answers against the schema."""

    class Meta:
        unknown = EXCLUDE
        ordered = True

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj


class ApiBlueprint(Blueprint):
    """A desk's endpoints, all below /api. Usage: `api = DeskApi("patients_api", __name__, description="Patients")`."""

    ARGUMENTS_PARSER = ApiParser()

    def __init__(self, name: str, module: str, **kwargs: Any) -> None:
        super().__init__(name, module, url_prefix="/api", **kwargs)

    def arguments(self, schema: type[Schema] | Schema, *, location: str = "json", **kwargs: Any) -> Any:
        """The body that a view takes, as this shape; the schema object is made once, not for each request.

        With `location="query"` it declares the parameters of the address: the guard refuses all others (`parameters.py`).
        """
        made = schema() if isinstance(schema, type) else schema
        parsed = super().arguments(made, location=location, **kwargs)
        if location != "query":
            return parsed

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            taking = parsed(view)
            taking.parameters = made
            return taking

        return declare
