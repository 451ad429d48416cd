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
    """Reads request arguments; answers 400 when the schema refuses them."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": EXCLUDE, "query": EXCLUDE}

    def _raw_load_json(self, req: Request) -> Any:
        """Read JSON with `core/web/json_provider.py` instead of webargs' parser; 415 for a body that is not JSON.

        A DELETE may have no body, and so may a request of which no field is needed.
        """
        if not req.get_data() and (req.method == "DELETE" or not req.content_type):
            return {}
        if not req.is_json:
            raise UnsupportedMediaType
        return req.get_json()


class ApiSchema(Schema):
    """A JSON object. `dump` returns its input unchanged, because views pass dicts with only the fields of the role; tests
    check responses against the schema."""

    class Meta:
        unknown = EXCLUDE
        ordered = True

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj


class ApiBlueprint(Blueprint):
    """A desk's endpoints, all below /api. Usage: `api = ApiBlueprint("patients_api", __name__, description="Patients")`."""

    ARGUMENTS_PARSER = ApiParser()

    def __init__(self, name: str, module: str, **kwargs: Any) -> None:
        super().__init__(name, module, url_prefix="/api", **kwargs)

    def arguments(self, schema: type[Schema] | Schema, *, location: str = "json", **kwargs: Any) -> Any:
        """Decorate a view that takes a body of this schema; the schema object is made once, not for each request.

        With `location="query"` it declares the query parameters: the guard refuses all others (`parameters.py`).
        """
        instance = schema() if isinstance(schema, type) else schema
        decorator = super().arguments(instance, location=location, **kwargs)
        if location != "query":
            return decorator

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            decorated = decorator(view)
            decorated.parameters = instance
            return decorated

        return decorate
