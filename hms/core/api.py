"""The API's one blueprint factory, its list rule, its entity tags. Shapes in `fields.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Request, Response, current_app, jsonify, request, url_for
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema
from sqlalchemy import Result, Select, func, select
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from .db import db

MOST_ROWS = 100
PAGED_BY = ("page", "page_size", "limit")


class ApiParser(FlaskParser):
    """Reads a body; what the schema refuses is 400, as the original answers."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": EXCLUDE, "query": EXCLUDE}

    def _raw_load_json(self, req: Request) -> Any:
        """Reads JSON as `core/jsonio.py` does instead of webargs' own way; a body that is not JSON is refused with that reason.

        A DELETE may come without a body.
        """
        if req.method == "DELETE" and not req.get_data():
            return {}
        if not req.is_json:
            raise UnsupportedMediaType
        return req.get_json()


class Shape(Schema):
    """A JSON object. Views hand in plain dicts already projected to the role, so that an answer is passed on as it is;
    tests check answers against the schema."""

    class Meta:
        unknown = EXCLUDE
        ordered = True

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj


class DeskApi(Blueprint):
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


Rows = Select | Sequence[Any] | Callable[[int, int], Result]
"""An ordered SELECT, a list of all rows, or a function of limit and offset; each may know the `whole` length."""
Total = Select | Callable[[], int]


class Estimated(int):
    """A number of rows that is near the exact one; the answer says so."""


def listed(rows: Rows, project: Callable[[Any], dict[str, Any]], *, total: Total | None = None) -> Response:
    """Answer a list as the contract says: an array of at most 100 without `page`, `page_size` or `limit`; a page object with.

    The endpoint declares `parameters.PAGING`, by which the numbers are checked. `total` counts the rows when a cheaper
    count than wrapping a SELECT is known. `project` makes one row's JSON.
    """
    paged = any(name in request.args for name in PAGED_BY)
    numbers = {name: int(request.args[name]) for name in PAGED_BY if name in request.args}
    size = min(numbers.get("page_size", numbers.get("limit", 25 if paged else MOST_ROWS)), MOST_ROWS)
    page = numbers.get("page", 1)
    found = _some(rows, size, (page - 1) * size)
    results = [project(row) for row in found]
    known = getattr(found[0], "whole", None) if found else None
    count = _count(rows, total, page, size, len(results)) if known is None else known
    response = _page_object(results, count, page, size) if paged else _array(results, count)
    if isinstance(count, Estimated):
        response.headers["X-Total-Count-Estimated"] = "true"
    return response


def _some(rows: Rows, size: int, offset: int) -> Sequence[Any]:
    if isinstance(rows, Sequence):
        return rows[offset : offset + size]
    if not isinstance(rows, Select):
        return rows(size, offset).all()
    found = db.session.execute(rows.limit(size).offset(offset))
    return found.scalars().all() if len(found.keys()) == 1 else found.all()


def _count(rows: Rows, total: Total | None, page: int, size: int, here: int) -> int:
    """The whole length; a page that is not full tells it without a second query."""
    if 0 < here < size or (here == 0 and page == 1):
        return (page - 1) * size + here
    if total is not None and not isinstance(total, Select):
        return total()
    if total is None:
        if isinstance(rows, Sequence):
            return len(rows)
        assert isinstance(rows, Select)
        total = select(func.count()).select_from(rows.order_by(None).subquery())
    return db.session.execute(total).scalar_one()


def _array(results: list[dict[str, Any]], count: int) -> Response:
    response = jsonify(results)
    response.headers["X-Total-Count"] = str(count)
    if count > len(results):
        response.headers["Link"] = f'<{_address(2, MOST_ROWS)}>; rel="next"'
    return response


def _page_object(results: list[dict[str, Any]], count: int, page: int, size: int) -> Response:
    response = jsonify(
        count=count,
        next=_address(page + 1, size) if page * size < count else None,
        previous=_address(page - 1, size) if page > 1 else None,
        results=results,
    )
    response.headers["X-Total-Count"] = str(count)
    return response


def _address(page: int, size: int) -> str:
    """This list's address with another page; what was asked stands in the query only, whatever it is called."""
    kept = [(name, text) for name, text in request.args.items(multi=True) if name not in PAGED_BY]
    where = url_for(request.endpoint, **(request.view_args or {}))
    return f"{where}?{urlencode([*kept, ('page', page), ('page_size', size)])}"


def single(body: dict[str, Any], version: object, status: int = 200) -> Response:
    """One resource with its entity tag."""
    response = jsonify(body)
    response.status_code = status
    response.headers["ETag"] = f'"{version}"'
    return response


class PreconditionFailed(Exception):
    """`If-Match` named an older version; carries the present state."""

    def __init__(self, body: dict[str, Any], version: object) -> None:
        super().__init__("stale")
        self.body, self.version = body, version


def check_if_match(version: object, body: Callable[[], dict[str, Any]]) -> None:
    """Honour `If-Match` (RFC 9110): raises `PreconditionFailed` with the present state when it names another version."""
    if request.if_match and not any(request.if_match.contains(tag) for tag in _tags(version)):
        raise PreconditionFailed(body(), version)


def _tags(version: object) -> list[str]:
    """The entity tags that a client may have been given: Flask-Compress adds `:` and the algorithm to a compressed answer's."""
    return [str(version), *(f"{version}:{algorithm}" for algorithm in current_app.config["COMPRESS_ALGORITHM"])]


def install(app: Any) -> None:
    app.register_error_handler(PreconditionFailed, lambda stale: single(stale.body, stale.version, 412))
