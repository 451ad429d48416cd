"""The kinds of refusal. Desks raise them; `core/web/error_handlers.py` answers them with a page or with JSON."""

from __future__ import annotations

from typing import Self

from .text.translation import Sentence


class DomainError(Exception):
    """A refusal that a person can read.

    `message` is a sentence of the catalogue, with places such as `%(due)s`; `values` fill them. They are kept apart so that
    nothing typed is ever looked up in the catalogue or read as a format: `localisation.translate_error` translates the
    sentence and fills it in where it is shown. `str()` is that of `Sentence`. `code` is a stable word for programs,
    `field` the input that is wrong; so no place of a sentence is called `message`, `field` or `code`.
    """

    status = 400
    code = "refused"
    is_denial = False
    """Whether it keeps something from the person that is there; then it is in the trail."""
    way_on: tuple[str, str] | None = None
    """Address and words of the button that leads on from the refusal, where there is one."""

    def __init__(
        self, message: str | Sentence, field: str | None = None, *, code: str | None = None, **values: object
    ) -> None:
        super().__init__(message)
        self.sentence = message if isinstance(message, Sentence) else Sentence(message, **values)
        self.field = field
        self.code = code or self.code

    @classmethod
    def from_error(cls, error: DomainError, field: str | None = None, *, code: str | None = None) -> Self:
        """An error of this class with the sentence and values of `error`, at `field`; a code of its own is kept."""
        own_code = error.code if error.code != type(error).code else None
        return cls(error.sentence, field, code=code or own_code)

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def message(self) -> str:
        """The sentence of the catalogue, its places empty."""
        return self.sentence.message

    @property
    def values(self) -> dict[str, object]:
        """What fills the places of `message`."""
        return self.sentence.values


class RuleBroken(DomainError):
    """What was asked breaks a rule. Hangs on the form's field; the API answers 400 under the same key."""

    code = "invalid"


class Conflict(DomainError):
    """Somebody or something else got there first (a taken slot, a changed record, empty stock): 409."""

    status = 409
    code = "conflict"


class StaleVersion(Conflict):
    """The record changed after it was read: 409 on a page, 412 for `If-Match`."""

    code = "stale"


class NotAllowed(DomainError):
    """The person may not do this: 403, and a denial in the audit trail."""

    is_denial = True
    status = 403
    code = "not_allowed"


class NotFound(DomainError):
    """There is no such record for this person: 404, the same answer whether it is missing or hidden."""

    status = 404
    code = "not_found"


class HiddenRecord(NotFound):
    """There is such a record, but not for this person: the answer is that of a missing one, and the denial is in the trail."""

    is_denial = True

    def __init__(self, message: str, patient_id: int | None = None) -> None:
        super().__init__(message)
        self.patient_id = patient_id


class Unavailable(DomainError):
    """Something the answer depends on is down: 503, try again later."""

    status = 503
    code = "unavailable"
    retry_after = 10
    """Seconds."""
