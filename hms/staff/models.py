"""People of the hospital, their roles and departments, and the proofs that they are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.core.db import Record, Working, db
from hms.core.words import _


class Role(Record):
    """A set of actions with a name. `code` is stable; built-in roles have the codes of `core.permissions.Role`."""

    __tablename__ = "role"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")
    grants: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    is_active: Mapped[bool] = mapped_column(default=True)


class Department(Record):
    """A part of the hospital that receives patients, e.g. Outpatients or Paediatrics."""

    __tablename__ = "department"

    name: Mapped[str] = mapped_column(unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)


class User(Record):
    """A person with an account. A FHIR Practitioner when `is_clinician`."""

    __tablename__ = "app_user"
    __table_args__ = (
        Index(
            "uq_app_user_username",
            func.lower(text("username")),
            unique=True,
            info={"says": _("A user with that username already exists."), "field": "username"},
        ),
        Index(
            "uq_app_user_email",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("email <> ''"),
            info={"says": _("A user with that e-mail address already exists."), "field": "email"},
        ),
        CheckConstraint("btrim(username) <> ''", name="username_given"),
    )
    secret_columns = ("password_hash", "totp_secret", "pin_hash")

    username: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    role_id: Mapped[int | None] = mapped_column(ForeignKey("role.id", ondelete="RESTRICT"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"))
    room: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)
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
        """The name colleagues read: "Dr Amadu Bah"."""
        return " ".join(part for part in (self.title, self.first_name, self.last_name) if part) or self.username

    @property
    def two_factor_enabled(self) -> bool:
        return self.totp_secret is not None


class SignInGate(Working):
    """Failed tries per account and known device, counted before a password is hashed."""

    __tablename__ = "sign_in_gate"

    key: Mapped[str] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]


class UserSession(Working):
    """One sign-in at one browser. The cookie holds a random value, this row its SHA-256; an ended row opens nothing."""

    __tablename__ = "user_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]


class RefreshToken(Working):
    """A refresh token of the API: used once; use it twice and its whole family is revoked."""

    __tablename__ = "refresh_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    family: Mapped[str] = mapped_column(index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginActivity(Working):
    """One try to sign in, with its outcome ("success", "failed", "locked", "otp_failed")."""

    __tablename__ = "login_activity"
    __table_args__ = (Index("ix_login_activity_user", "user_id", "id"),)

    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    typed_name: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(default="")
    status: Mapped[str]


class RoleChangeRequest(Record):
    """Somebody asks for another role, an administrator answers."""

    __tablename__ = "role_change_request"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'approved', 'rejected')", name="status_known"),
        CheckConstraint(
            "reviewed_by_id IS NULL OR reviewed_by_id <> user_id",
            name="reviewed_by_another",
            info={"says": _("Nobody decides on their own request."), "field": "reviewed_by"},
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), index=True)
    requested_role_id: Mapped[int] = mapped_column(ForeignKey("role.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="pending")
    admin_response: Mapped[str] = mapped_column(default="")
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    reviewed_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=user_id)
    requested_role: Mapped[Role] = relationship()
