"""Tables of staff: accounts, roles, departments, sessions, tokens, login attempts and role requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    event,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB
from sqlalchemy.orm import Mapped, attributes, mapped_column, relationship

from hms.core import clock
from hms.core.db.models import Record, UnauditedRecord, VersionedRecord
from hms.core.db.session import db
from hms.core.permissions import Role as BuiltIn
from hms.core.permissions import role_label
from hms.core.text.translation import N_

from .enums import REQUEST_TRANSITIONS


class Role(VersionedRecord):
    """A named set of permissions. `code` never changes; built-in roles have the codes of `core.permissions.Role`."""

    __tablename__ = "role"
    __table_args__ = (
        Index(
            "uq_role_name_folded",
            text("lower(name COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("A role with this name already exists."), "field": "name"},
        ),
        CheckConstraint("btrim(name) <> ''", name="name_given"),
        CheckConstraint("idle_minutes BETWEEN 2 AND 120", name="idle_minutes_possible"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    idle_minutes: Mapped[int | None]
    """After how many minutes without activity pages lock; None: the hospital's setting `staff.idle_minutes`."""
    grants: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    offered: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    """The default permissions it has ever received, so that a new version of the program adds only new ones."""
    is_active: Mapped[bool] = mapped_column(default=True)

    @property
    def is_built_in(self) -> bool:
        return self.code in set(BuiltIn)

    @property
    def label(self) -> str:
        """The name to show: a built-in role's in the reader's language, any other as it was typed."""
        return role_label(self.code, self.name)


class Department(VersionedRecord):
    """A part of the hospital that receives patients, e.g. Outpatients or Paediatrics."""

    __tablename__ = "department"
    __table_args__ = (
        Index(
            "uq_department_name_folded",
            text("lower(name COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("A department with this name already exists."), "field": "name"},
        ),
        CheckConstraint("btrim(name) <> ''", name="name_given"),
    )

    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class User(VersionedRecord):
    """A person with an account. Clinicians are exported as FHIR Practitioner."""

    __tablename__ = "app_user"
    __table_args__ = (
        Index(
            "uq_app_user_username",
            func.lower(text("username")),
            unique=True,
            info={"message": N_("A user with that username already exists."), "field": "username"},
        ),
        Index(
            "uq_app_user_email",
            text("lower(email COLLATE pg_c_utf8)"),
            unique=True,
            postgresql_where=text("email <> ''"),
            info={"message": N_("A user with that e-mail address already exists."), "field": "email"},
        ),
        CheckConstraint("btrim(username) <> ''", name="username_given"),
        CheckConstraint("NOT (awaits_approval AND is_active)", name="approved_before_active"),
    )
    secret_columns = ("password_hash", "totp_secret", "pin_hash")

    username: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="", server_default="")
    title: Mapped[str] = mapped_column(default="")
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    role_id: Mapped[int | None] = mapped_column(ForeignKey("role.id", ondelete="RESTRICT"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"))
    room: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    inactive_reason: Mapped[str] = mapped_column(default="")
    awaits_approval: Mapped[bool] = mapped_column(default=False)
    patient_id: Mapped[int | None]
    language: Mapped[str] = mapped_column(default="en")
    preferences: Mapped[dict] = mapped_column(JSONB, default=dict)
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int | None]
    pin_hash: Mapped[str | None]
    token_version: Mapped[int] = mapped_column(default=1)
    external_id: Mapped[str | None] = mapped_column(unique=True)

    role: Mapped[Role | None] = relationship(lazy="joined")
    department: Mapped[Department | None] = relationship()

    @property
    def display_name(self) -> str:
        """The name to show: "Dr Amadu Bah"; the username when no name is recorded."""
        return " ".join(part for part in (self.title, self.first_name, self.last_name) if part) or self.username

    @property
    def two_factor_enabled(self) -> bool:
        return self.totp_secret is not None


_ENDS_TOKENS = ("password_hash", "role_id", "is_active", "totp_secret")


@event.listens_for(User, "before_update")
def _end_proofs(_mapper: object, connection: Connection, user: User) -> None:
    """End the account's tokens when its password, role, status or second factor changes, and its sessions when it is closed."""
    changes = {name: attributes.get_history(user, name) for name in _ENDS_TOKENS}
    if not any(change.deleted and change.added for change in changes.values()):
        return
    user.token_version += 1
    if changes["is_active"].added == [False]:
        live = (UserSession.user_id == user.id, UserSession.ended_at.is_(None))
        connection.execute(update(UserSession).where(*live).values(ended_at=clock.now()))


class AttemptCounter(UnauditedRecord):
    """Attempt counter for one account from one address or known device, incremented before hashing.

    `tries` is the number of attempts, `failures` how many of them were wrong; the others still run.
    """

    __tablename__ = "sign_in_gate"

    key: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    last_try_at: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]


class KnownDevice(UnauditedRecord):
    """A browser at which an account signed in with its password. Its signed cookie holds a secret, this row its SHA-256.

    Until `pin_until` the account's PIN unlocks pages there.
    """

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("device_hash", "user_id"),)

    device_hash: Mapped[bytes] = mapped_column(LargeBinary)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    signed_in_at: Mapped[datetime]
    pin_until: Mapped[datetime | None]


class UserSession(UnauditedRecord):
    """A page session: one sign-in at one browser. The cookie holds a secret, this row its SHA-256.

    An ended session opens no page, a locked one only the lock page. `role_id` is the role it was last used with.
    """

    __tablename__ = "user_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    role_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]


class RecoveryCode(UnauditedRecord):
    """One of ten codes that replace the authenticator app, each once; only its argon2 hash is stored."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class RefreshToken(UnauditedRecord):
    """A refresh token of the API; it works once. A second use ends its family: all tokens from the same sign-in.

    A family has ended when one of its tokens is revoked.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (Index("ix_refresh_token_ended", "family", postgresql_where=text("revoked_at IS NOT NULL")),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    family: Mapped[str] = mapped_column(index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    token_version: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginActivity(UnauditedRecord):
    """One attempt to sign in, unlock or re-authenticate, with its outcome (`login_security.activity.OUTCOMES`)."""

    __tablename__ = "login_activity"
    __table_args__ = (
        Index("ix_login_activity_user", "user_id", "id"),
        Index("ix_login_activity_status", "status", "id"),
        Index("ix_login_activity_at", "at", "id"),
    )

    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    typed_name: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(default="")
    status: Mapped[str]


class OneTimeLink(Record):
    """A link with which one person chooses a password, once, until `expires_at`. Only the SHA-256 of its secrets is stored.

    The link on the page and the e-mailed one have different secrets; using either ends both.
    """

    __tablename__ = "one_time_link"
    __table_args__ = (
        CheckConstraint("purpose IN ('welcome', 'password')", name="purpose_known"),
        CheckConstraint("made_by_id IS NULL OR made_by_id <> user_id", name="made_by_another"),
        Index(
            "uq_one_time_link_open",
            "user_id",
            unique=True,
            postgresql_where=text("used_at IS NULL AND ended_at IS NULL"),
        ),
    )
    secret_columns = ("token_hash", "mailed_hash")

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    purpose: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    mailed_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    user: Mapped[User] = relationship(foreign_keys=user_id)


class ProfilePhoto(UnauditedRecord):
    """A person's picture as it is served: re-encoded JPEG, at most 256 pixels wide and high."""

    __tablename__ = "profile_photo"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), unique=True)
    image: Mapped[bytes] = mapped_column(LargeBinary)
    mark: Mapped[str]
    """A hash of the picture, for its URL and its ETag."""


class RoleChangeRequest(VersionedRecord):
    """A request for another role, or a role given by one administrator that needs a second one's approval."""

    __tablename__ = "role_change_request"
    transitions = REQUEST_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'approved', 'rejected', 'withdrawn')", name="status_known"),
        CheckConstraint(
            "reviewed_by_id IS NULL OR reviewed_by_id <> user_id",
            name="reviewed_by_another",
            info={"message": N_("You cannot decide on your own request."), "field": "reviewed_by"},
        ),
        CheckConstraint(
            "first_approver_id IS NULL OR first_approver_id <> user_id",
            name="approved_by_another",
            info={"message": N_("You cannot decide on your own request."), "field": "reviewed_by"},
        ),
        CheckConstraint(
            "status <> 'approved' OR first_approver_id IS NULL OR first_approver_id <> reviewed_by_id",
            name="approved_by_two",
            info={"message": N_("A second administrator must approve this."), "field": "reviewed_by"},
        ),
        CheckConstraint("(status IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)", name="decided_at_known"),
        Index(
            "uq_role_change_request_pending",
            "user_id",
            "requested_role_id",
            unique=True,
            postgresql_where=text("status = 'pending'"),
            info={
                "message": N_("You have already requested this role. Wait for the decision, or change your request."),
                "code": "already_asked",
            },
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), index=True)
    requested_role_id: Mapped[int] = mapped_column(ForeignKey("role.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="pending")
    admin_response: Mapped[str] = mapped_column(default="")
    role_before_id: Mapped[int | None] = mapped_column(ForeignKey("role.id", ondelete="RESTRICT"))
    """The role the person had when the request was decided."""
    first_approver_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    reviewed_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=user_id)
    requested_role: Mapped[Role] = relationship(foreign_keys=requested_role_id)
    role_before: Mapped[Role | None] = relationship(foreign_keys=role_before_id)
    first_approver: Mapped[User | None] = relationship(foreign_keys=first_approver_id)
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=reviewed_by_id)
