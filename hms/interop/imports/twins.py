"""Rows of one file that mean the same record: the import would refuse the later one, so the check does."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from hms.core.actions import separate_part
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.interop.enums import RowState
from hms.interop.models import ImportBatch, ImportRow

from .fields import RowRefused, read_row
from .kind import AlreadyThere, ImportKind

NEAR = "~"
"""Before the digest of what rows have in common that only may mean the same record."""
MAX_COMPARED = 300


class Twins:
    """The rows of a file that can be imported, to find the one that a later row repeats."""

    def __init__(self, batch: ImportBatch, kind: ImportKind) -> None:
        self._batch, self._kind = batch, kind
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._values: dict[int, dict[str, Any] | None] = {}
        states = (RowState.READY, RowState.IMPORTED, RowState.KEPT)
        query = select(ImportRow.number, ImportRow.identities).where(
            ImportRow.batch_id == batch.id, ImportRow.state.in_(states)
        )
        for number, digests in db.session.execute(query.order_by(ImportRow.number)):
            self._note(number, digests)

    def _note(self, number: int, digests: Iterable[str]) -> None:
        for digest in digests:
            self._numbers[digest].append(number)

    def check(self, values: dict[str, Any], save: Callable[[dict[str, Any]], Any]) -> list[str]:
        """What the row has in common with others, as digests to keep; raises `AlreadyThere` when an earlier row is the same, or
        when it cannot be saved beside earlier ones."""
        own = [_digest(text) for text in self._kind.identities(values) if text]
        near = [NEAR + _digest(text) for text in (self._kind.near(values) if self._kind.near else []) if text]
        same = [self._numbers[digest][0] for digest in own if digest in self._numbers] or self._find_twins(values, near)
        if same and not (self._kind.tries_together and self._fit([self._values[n] for n in same], values, save)):
            error = AlreadyThere(self._kind.twin_message, row=same[0])
            error.twin_number = same[0] if self._kind.may_be_other else None
            raise error
        return own + near

    def add(self, row: ImportRow, values: dict[str, Any]) -> None:
        """A row that can be imported."""
        self._note(row.number, row.identities)
        self._values[row.number] = values

    def _find_twins(self, values: dict[str, Any], near: list[str]) -> list[int]:
        numbers = sorted({number for digest in near for number in self._numbers.get(digest, ())})[:MAX_COMPARED]
        self._load([number for number in numbers if number not in self._values])
        is_twin = self._kind.is_twin
        return [n for n in numbers if self._values[n] is not None and is_twin(self._values[n], values)]

    def _fit(self, earlier: list[Any], values: dict[str, Any], save: Callable[[dict[str, Any]], Any]) -> bool:
        """Whether the row can be saved after the others; nothing is kept."""
        try:
            with separate_part():
                for others in earlier:
                    with suppress(DomainError):
                        save(others)
                save(values)
                raise _Fits
        except _Fits:
            return True
        except DomainError:
            return False

    def _load(self, numbers: list[int]) -> None:
        """Read rows of earlier portions again; those that were imported meanwhile are found among the records."""
        if not numbers:
            return
        self._values |= dict.fromkeys(numbers)
        query = select(ImportRow.number, ImportRow.cells).where(
            ImportRow.batch_id == self._batch.id, ImportRow.number.in_(numbers), ImportRow.cells.is_not(None)
        )
        for number, cells in db.session.execute(query).all():
            try:
                self._values[number] = read_row(self._kind.fields, self._batch.columns, cells, self._batch.date_order)
            except RowRefused:  # it could be read when it was checked: its doctor is gone since
                continue


class _Fits(Exception):
    """The rows were saved as a trial, to be rolled back."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
