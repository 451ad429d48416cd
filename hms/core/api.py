"""The API's one blueprint factory, its list rule, its entity tags. Shapes in `fields.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Request, Response, jsonify, request, url_for
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema
from sqlalchemy import Result, Select, func, select
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from . import clock
from .db import db
from .errors import RuleBroken
from .statements import Narrowing
from .words import _

MOST_ROWS = 100
LARGEST_PAGE = 1_000_000


class ApiParser(FlaskParser):
    """Reads a body; what the schema refuses is 400, as the original answers."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": EXCLUDE, "query": EXCLUDE}

    def _raw_load_json(self, req: Request) -> Any:
        """The house's JSON reader instead of webargs' own; a body that is not JSON is said to be so.

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

    def arguments(self, schema: type[Schema] | Schema, **kwargs: Any) -> Any:
        """The body that a view takes, as this shape; the shape is made once, and not anew for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def _whole_argument(name: str, default: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= most):
        raise RuleBroken(_("Give a whole number within range."), name)
    return int(text)


Rows = Select | Callable[[int, int], Result]
"""An ordered SELECT, or what asks for so many rows from an offset on; each of these may tell the `whole` length."""
Total = Select | Callable[[], int]


def listed(rows: Rows, project: Callable[[Any], dict[str, Any]], *, total: Total | None = None) -> Response:
    """Answer a list as the contract says: an array of at most 100 without `page`, `page_size` or `limit`; a page object with.

    `total` counts the rows when a cheaper count than wrapping a SELECT is known. `project` makes one row's JSON.
    """
    paged = any(name in request.args for name in ("page", "page_size", "limit"))
    size = _whole_argument(
        "page_size", _whole_argument("limit", 25 if paged else MOST_ROWS, LARGEST_PAGE), LARGEST_PAGE
    )
    size, page = min(size, MOST_ROWS), _whole_argument("page", 1, LARGEST_PAGE)
    found = _some(rows, size, (page - 1) * size)
    results = [project(row) for row in found]
    known = getattr(found[0], "whole", None) if found else None
    count = _count(rows, total, page, size, len(results)) if known is None else known
    return _page_object(results, count, page, size) if paged else _array(results, count)


def _some(rows: Rows, size: int, offset: int) -> Sequence[Any]:
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
    asked = {name: values for name, values in request.args.lists() if name not in ("page", "page_size", "limit")}
    return url_for(request.endpoint, **(request.view_args or {}), **asked, page=page, page_size=size)


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
    if request.if_match and not request.if_match.contains(str(version)):
        raise PreconditionFailed(body(), version)


def install(app: Any) -> None:
    app.register_error_handler(PreconditionFailed, lambda stale: single(stale.body, stale.version, 412))


def narrowed(rows: Select, model: Any, **wanted: Any) -> Select:
    """`rows` where each named column of `model` has the wanted value; None means any."""
    columns = model.__table__.c
    return rows.where(*(columns[name] == value for name, value in wanted.items() if value is not None))


def argument_id(*names: str) -> int | None:
    """A foreign key among the query's arguments under any of `names` (`patient`, `patient_id`); 400 when it is no number."""
    for name in names:
        text = request.args.get(name)
        if text is not None:
            if not (text.isascii() and text.isdigit() and len(text) < 19):
                raise RuleBroken(_("Give a whole number."), name)
            return int(text)
    return None


def asked_day(name: str) -> date | None:
    """The argument `name` as a day (YYYY-MM-DD); `RuleBroken` when it is something else."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        if len(text) != len("YYYY-MM-DD"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise RuleBroken(_("Give the day as YYYY-MM-DD."), name) from None


def asked_days() -> tuple[date | None, date | None]:
    """`date`, or `date_from` and `date_to`."""
    day = asked_day("date")
    return (day, day) if day else (asked_day("date_from"), asked_day("date_to"))


def asked_instants() -> Narrowing:
    """`first` and `end`, the instants at which the hospital days asked for begin and are over."""
    first, last = asked_days()
    return Narrowing.of(
        first=clock.day_bounds(first)[0] if first else None, end=clock.day_bounds(last)[1] if last else None
    )


def within_asked_days(column: Any) -> list[Any]:
    """The conditions that keep rows whose instant `column` lies in the hospital days asked for."""
    return asked_instants().bounding(column)
