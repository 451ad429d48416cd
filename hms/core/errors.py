"""Domain errors. Desks raise them; `core/web/error_handlers.py` turns them into a page or JSON."""

from __future__ import annotations

from typing import Any, Self

from .text.translation import N_, Sentence


class DomainError(Exception):
    """An error whose message is shown to the user.

    `message` is a sentence of the catalogue, with placeholders such as `%(due)s`; `values` fill them. They are kept apart
    so that typed text is never looked up in the catalogue or read as a format: `localisation.translate_error` translates
    the sentence and fills it in where it is shown. `str()` is the English sentence. `code` is a stable word for programs,
    `field` the input that is wrong; so no placeholder may be called `message`, `field` or `code`.
    """

    status = 400
    code = "refused"
    is_denial = False
    """Whether the person was denied access to something that exists; denials are recorded in the audit trail."""
    next_step: tuple[str, str] | None = None
    """Address and label of the button that the error page offers, or None."""
    details: dict[str, Any] = {}
    """Further fields of the API's answer."""

    def __init__(
        self, message: str | Sentence, field: str | None = None, *, code: str | None = None, **values: object
    ) -> None:
        super().__init__(message)
        self.sentence = message if isinstance(message, Sentence) else Sentence(message, **values)
        self.field = field
        self.code = code or self.code

    @classmethod
    def from_error(cls, error: DomainError, field: str | None = None, *, code: str | None = None) -> Self:
        """An error of this class with the sentence and values of `error`, at `field`.

        Without `code`, a code that was given to `error` itself is kept, and its class's code is not.
        """
        own_code = error.code if error.code != type(error).code else None
        return cls(error.sentence, field, code=code or own_code)

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def message(self) -> str:
        """The sentence of the catalogue, with its placeholders."""
        return self.sentence.message

    @property
    def values(self) -> dict[str, object]:
        """The values of the placeholders of `message`."""
        return self.sentence.values


class RuleBroken(DomainError):
    """The input breaks a rule. A page shows the message at `field`; the API answers 400 with `field` as the key."""

    code = "invalid"


class Conflict(DomainError):
    """Another change makes this one impossible (a taken slot, a changed record, empty stock): 409."""

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


class RoleNotAllowed(NotAllowed):
    """The person's role lacks the permission; the page offers to request another role."""


class NotFound(DomainError):
    """The record does not exist, or this person may not know that it exists: 404 in both cases."""

    status = 404
    code = "not_found"


class HiddenRecord(NotFound):
    """The record exists, but this person may not know: answered like a missing one, and recorded as a denial."""

    is_denial = True

    def __init__(self, message: str, patient_id: int | None = None) -> None:
        super().__init__(message)
        self.patient_id = patient_id


class Unavailable(DomainError):
    """A service that the answer needs is down: 503."""

    status = 503
    code = "unavailable"
    retry_after = 10
    """Seconds."""


DISK_FULL = N_(
    "The disk of the hospital's server is full, so nothing was saved. Tell an administrator that space must be freed."
)
