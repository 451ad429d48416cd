"""Lists of the API: pages by number and by cursor, counts and links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

from flask import Response, g, jsonify, request, url_for

from hms.core.api import cursors
from hms.core.db.keyset import Place, cut_page
from hms.core.db.row_counts import EstimatedCount
from hms.core.web.parameters import MAX_PAGE_SIZE

PAGING_PARAMETERS = ("page", "page_size", "limit", "cursor")


class Rows(Protocol):
    """An ordered list, of the database (`keyset.OrderedSelect`) or in memory (`small_lists.OrderedList`)."""

    def fetch_page(self, limit: int, offset: int) -> Sequence[Any]: ...

    def fetch_after(self, place: Place | None, limit: int, *, count: int | None = None) -> Sequence[Any]: ...

    def get_record(self, row: Any) -> Any: ...

    def get_place(self, row: Any, *, is_backward: bool = False) -> Place: ...

    def count(self, *, is_exact: bool = False) -> int: ...


def paginated_response(rows: Rows, project: Callable[[Any], dict[str, Any]]) -> Response:
    """The response with a list: a page object when one of `PAGING_PARAMETERS` is sent, else an array of at most 100.

    The endpoint declares `parameters.PAGING`, which checks these parameters. `project` makes the JSON of one row. When the
    list is exported (`g.list_export`, set by `core/exports/registry.py`), the response is the file with all rows.
    """
    if "list_export" in g:
        return g.list_export.make_response(rows, project)
    is_paged = any(name in request.args for name in PAGING_PARAMETERS)
    size = _read_number("page_size", "limit", default=25 if is_paged else MAX_PAGE_SIZE)
    if "cursor" in request.args:
        response, count = _cursor_page(rows, project, size)
    else:
        response, count = _numbered_page(rows, project, size, is_paged=is_paged)
    response.headers["X-Total-Count"] = str(int(count))
    if isinstance(count, EstimatedCount):
        response.headers["X-Total-Count-Estimated"] = "true"
    return response


def _read_number(*names: str, default: int) -> int:
    return next((int(request.args[name]) for name in names if name in request.args), default)


def _numbered_page(
    rows: Rows, project: Callable[[Any], dict[str, Any]], size: int, *, is_paged: bool
) -> tuple[Response, int]:
    page = _read_number("page", default=1)
    offset = (page - 1) * size
    fetched = rows.fetch_page(size + 1, offset)
    has_next, fetched = len(fetched) > size, fetched[:size]
    count = _count(rows, offset, len(fetched), has_next=has_next)
    results = [project(rows.get_record(row)) for row in fetched]
    if is_paged:
        following = _page_url(page + 1, size) if has_next else None
        return _page_object(results, count, following, _page_url(page - 1, size) if page > 1 else None), count
    response = jsonify(results)
    if has_next:
        response.headers["Link"] = f'<{_page_url(2, MAX_PAGE_SIZE)}>; rel="next"'
    return response, count


def _count(rows: Rows, offset: int, on_page: int, *, has_next: bool) -> int:
    """The number of all rows; no query is needed on the last page. An estimate is no less than the rows up to here."""
    if not has_next and (on_page or not offset):
        return offset + on_page
    count = rows.count(is_exact="count" in request.args)
    if has_next and isinstance(count, EstimatedCount):
        return EstimatedCount(max(count, offset + on_page + 1))
    return count


def _cursor_page(rows: Rows, project: Callable[[Any], dict[str, Any]], size: int) -> tuple[Response, int]:
    """The page at the request's cursor. The rows are counted on the first page; the cursors carry the number on."""
    cursor = cursors.read_cursor(request.args["cursor"])
    place, is_backward = cursor.place, cursor.place is not None and cursor.place.is_backward
    fetched = rows.fetch_after(place, size + 1, count=cursor.count)
    page = cut_page(fetched, size, is_first=place is None, is_backward=is_backward)
    count = cursor.count
    if count is None or ("count" in request.args and isinstance(count, EstimatedCount)):
        is_exact = place is not None
        count = rows.count(is_exact=True) if is_exact else _count(rows, 0, len(page.rows), has_next=page.has_next)
    following, previous = None, None
    if page.rows and page.has_next:
        following = _cursor_url(cursors.write_cursor(rows.get_place(page.rows[-1]), count), size)
    if page.rows and page.has_previous:
        previous = _cursor_url(cursors.write_cursor(rows.get_place(page.rows[0], is_backward=True), count), size)
    results = [project(rows.get_record(row)) for row in page.rows]
    response = _page_object(results, count, following, previous)
    links = [f'<{url}>; rel="{name}"' for name, url in (("next", following), ("prev", previous)) if url]
    if links:
        response.headers["Link"] = ", ".join(links)
    return response, count


def _page_object(results: list[dict[str, Any]], count: int, following: str | None, previous: str | None) -> Response:
    return jsonify(count=int(count), next=following, previous=previous, results=results)


def _page_url(page: int, size: int) -> str:
    return _url(page=page, page_size=size)


def _cursor_url(cursor: str, size: int) -> str:
    return _url(cursor=cursor, page_size=size)


def _url(**paging: object) -> str:
    """This list's address at another page, with the other query parameters unchanged."""
    others = [(name, text) for name, text in request.args.items(multi=True) if name not in PAGING_PARAMETERS]
    path = url_for(request.endpoint, **(request.view_args or {}))  # the query is added here: its names are not trusted
    return f"{path}?{urlencode([*others, *paging.items()])}"
