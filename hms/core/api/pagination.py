"""Lists of the API: pages, counts and links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request, url_for
from sqlalchemy import Result, Select, func, select

from hms.core.db.session import db
from hms.core.web.parameters import MAX_PAGE_SIZE

PAGING_PARAMETERS = ("page", "page_size", "limit")


Rows = Select | Sequence[Any] | Callable[[int, int], Result]
"""An ordered SELECT, a list of all rows, or a function of limit and offset. A row may have the number of all rows in its
attribute `whole`."""
Total = Select | Callable[[], int]


class EstimatedCount(int):
    """An estimated number of rows; the response marks it with a header."""


def paginated_response(rows: Rows, project: Callable[[Any], dict[str, Any]], *, total: Total | None = None) -> Response:
    """The response with a list: a page object when `page`, `page_size` or `limit` is sent, else an array of at most 100.

    The endpoint declares `parameters.PAGING`, which checks these numbers. `project` makes the JSON of one row. `total`
    counts all rows, when that is faster than counting the SELECT itself.
    """
    is_paged = any(name in request.args for name in PAGING_PARAMETERS)
    numbers = {name: int(request.args[name]) for name in PAGING_PARAMETERS if name in request.args}
    size = numbers.get("page_size", numbers.get("limit", 25 if is_paged else MAX_PAGE_SIZE))
    page = numbers.get("page", 1)
    page_rows = _rows_of_page(rows, size, (page - 1) * size)
    results = [project(row) for row in page_rows]
    whole = getattr(page_rows[0], "whole", None) if page_rows else None
    count = _count(rows, total, page, size, len(results)) if whole is None else whole
    response = _page_object(results, count, page, size) if is_paged else _array(results, count)
    if isinstance(count, EstimatedCount):
        response.headers["X-Total-Count-Estimated"] = "true"
    return response


def _rows_of_page(rows: Rows, size: int, offset: int) -> Sequence[Any]:
    if isinstance(rows, Sequence):
        return rows[offset : offset + size]
    if not isinstance(rows, Select):
        return rows(size, offset).all()
    result = db.session.execute(rows.limit(size).offset(offset))
    return result.scalars().all() if len(result.keys()) == 1 else result.all()


def _count(rows: Rows, total: Total | None, page: int, size: int, on_page: int) -> int:
    """The number of all rows; no second query is needed when the page is not full."""
    if 0 < on_page < size or (on_page == 0 and page == 1):
        return (page - 1) * size + on_page
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
        response.headers["Link"] = f'<{_page_url(2, MAX_PAGE_SIZE)}>; rel="next"'
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
    """This list's address with another page number and the other query parameters unchanged."""
    others = [(name, text) for name, text in request.args.items(multi=True) if name not in PAGING_PARAMETERS]
    path = url_for(request.endpoint, **(request.view_args or {}))  # the query is added here: its names are not trusted
    return f"{path}?{urlencode([*others, ('page', page), ('page_size', size)])}"
