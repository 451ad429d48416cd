"""Lists of the API: pages, counts and links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request, url_for
from sqlalchemy import Result, Select, func, select

from hms.core.db.session import db

MAX_ROWS = 100
PAGING_PARAMETERS = ("page", "page_size", "limit")


Rows = Select | Sequence[Any] | Callable[[int, int], Result]
"""An ordered SELECT, a list of all rows, or a function of limit and offset; each may know the `whole` length."""
Total = Select | Callable[[], int]


class EstimatedCount(int):
    """A number of rows that is near the exact one; the answer says so."""


def paginated_response(rows: Rows, project: Callable[[Any], dict[str, Any]], *, total: Total | None = None) -> Response:
    """Answer a list as the contract says: an array of at most 100 without `page`, `page_size` or `limit`; a page object with.

    The endpoint declares `parameters.PAGING`, by which the numbers are checked. `total` counts the rows when a cheaper
    count than wrapping a SELECT is known. `project` makes one row's JSON.
    """
    paged = any(name in request.args for name in PAGING_PARAMETERS)
    numbers = {name: int(request.args[name]) for name in PAGING_PARAMETERS if name in request.args}
    size = min(numbers.get("page_size", numbers.get("limit", 25 if paged else MAX_ROWS)), MAX_ROWS)
    page = numbers.get("page", 1)
    found = _rows_of_page(rows, size, (page - 1) * size)
    results = [project(row) for row in found]
    known = getattr(found[0], "whole", None) if found else None
    count = _count(rows, total, page, size, len(results)) if known is None else known
    response = _page_object(results, count, page, size) if paged else _array(results, count)
    if isinstance(count, EstimatedCount):
        response.headers["X-Total-Count-Estimated"] = "true"
    return response


def _rows_of_page(rows: Rows, size: int, offset: int) -> Sequence[Any]:
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
        response.headers["Link"] = f'<{_page_url(2, MAX_ROWS)}>; rel="next"'
    return response


def _page_object(results: list[dict[str, Any]], count: int, page: int, size: int) -> Response:
    response = jsonify(
        count=count,
        next=_page_url(page + 1, size) if page * size < count else None,
        previous=_page_url(page - 1, size) if page > 1 else None,
        results=results,
    )
    response.headers["X-Total-Count"] = str(count)
    return response


def _page_url(page: int, size: int) -> str:
    """This list's address with another page; what was asked stands in the query only, whatever it is called."""
    kept = [(name, text) for name, text in request.args.items(multi=True) if name not in PAGING_PARAMETERS]
    where = url_for(request.endpoint, **(request.view_args or {}))
    return f"{where}?{urlencode([*kept, ('page', page), ('page_size', size)])}"
