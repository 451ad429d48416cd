"""Lists of pages that the API has in another form: their own filters, read by the query of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, g

from hms.core.db.keyset import Place


@dataclass(frozen=True)
class PageList:
    """The rows of a page: `fetch` returns at most so many rows after a row, or the first ones after None."""

    fetch: Callable[[Any | None, int], Sequence[Any]]
    record: Callable[[Any], Any] = lambda row: row

    @classmethod
    def of(cls, rows: Sequence[Any]) -> PageList:
        """A short list that is whole in memory."""
        numbered = list(enumerate(rows))
        return cls(lambda last, limit: numbered[0 if last is None else last[0] + 1 :][:limit], lambda row: row[1])

    def fetch_after(self, place: Place | None, limit: int) -> Sequence[Any]:
        """At most `limit` rows after `place`."""
        return self.fetch(None if place is None else place.values[0], limit)

    def get_record(self, row: Any) -> Any:
        """What the list shows of a fetched row."""
        return self.record(row)

    def get_place(self, row: Any) -> Place:
        """The place of a fetched row."""
        return Place((row,))

    def count(self, *, is_exact: bool = False) -> int:
        """Zero: the rows are counted while they are read."""
        return 0


def export_response(rows: PageList, project: Callable[[Any], dict[str, Any]]) -> Response:
    """The file with these rows. Only for views that are offered with `offer_export`."""
    return g.list_export.make_response(rows, project)
