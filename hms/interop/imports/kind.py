"""What an import of one kind of record needs to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from hms.core.actions import require_permission
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_, Sentence
from hms.interop.enums import ROW_LABELS, RowState

from .fields import Field

SAME_ROW = N_("This is the same as row %(row)s of this file.")
UNDONE = "The import was undone."
"""The reason that is recorded where a desk's action takes a record back."""


class AlreadyThere(Conflict):
    """The record exists already. `match_id` is its id where the person may say that it is another one, `existing_id` where the
    import may change it; `twin_number` is the row of the file that is the same."""

    match_id: int | None = None
    existing_id: int | None = None
    twin_number: int | None = None


@dataclass(frozen=True)
class Change:
    """What an import changed in a record: its values before, and the sentence that says what changes."""

    before: dict[str, Any]
    says: Sentence


@dataclass(frozen=True)
class ImportKind:
    """A kind of record. `save` makes one from the values of a row, by the desk's own action, and returns its id; its third
    argument is the id of a similar record that a person said is another one. `undo` takes a record back that nobody used;
    `identities` are what two rows of a file have in common when they mean the same record.

    `uses_apart` are tables whose rows say nothing of a use of the record; `undo` may refuse for further reasons.
    """

    name: str
    label: LazyString
    needs: tuple[Permission, ...]
    fields: tuple[Field, ...]
    model: type[db.Model]  # type: ignore[name-defined]
    save: Callable[[dict[str, Any], Person, int | None], int]
    undo: Callable[[int, Person], Any]
    identities: Callable[[dict[str, Any]], list[str]]
    note: LazyString
    change: Callable[[int, dict[str, Any], Person], Change] | None = None
    """Changes a record that is there already by the values of a row, where a person may choose that."""
    restore: Callable[[int, dict[str, Any], Person], None] | None = None
    """Sets a changed record to what it was before."""
    needs_one_of: tuple[tuple[str, ...], ...] = ()
    """Fields of which a file must have one or the other."""
    page: str = ""
    """The endpoint of a record's page, and the name of its id after a blank; blank without one."""
    uses_apart: frozenset[str] = frozenset()
    portion_rows: int = 50
    """How many rows are imported in one transaction at most. One, where a row locks several records in an order."""
    near: Callable[[dict[str, Any]], list[str]] | None = None
    """What two rows have in common that may mean the same record; whether they do is said by `is_twin`."""
    is_twin: Callable[[dict[str, Any], dict[str, Any]], bool] | None = None
    tries_together: bool = False
    """Whether twins may both be saved (a time may have several places): the check then saves them together."""
    twin_message: str = SAME_ROW
    """What is said of a row that is the twin of `%(row)s`."""
    duplicate_label: LazyString = _l("Already there")
    """The status of a row whose record is there already."""
    may_be_other: bool = False
    """Whether a person may say that a row that seems to be there already is another one."""
    used_in: frozenset[str] | None = None
    """The only tables that are looked at, where many tables name such a record without using it."""

    @property
    def row_labels(self) -> dict[RowState, LazyString]:
        """The statuses of rows."""
        return ROW_LABELS | {RowState.DUPLICATE: self.duplicate_label}

    @property
    def has_dates(self) -> bool:
        return any(field.is_date for field in self.fields)

    @property
    def has_numbers(self) -> bool:
        return any(field.is_number for field in self.fields)

    def is_open_to(self, person: Person) -> bool:
        return all(person.may(permission) for permission in self.needs)

    def check(self, person: Person) -> None:
        """Raise `RoleNotAllowed` unless the person may import this kind."""
        for permission in self.needs:
            require_permission(person, permission)
