"""The person who acts in a request, a job or a command."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_login import UserMixin

from .permissions import GRANTS_WITHOUT_ROLE, Permission, Role


@dataclass(frozen=True)
class Person(UserMixin):
    """A signed-in person, loaded again for every request. `grants` are the values of the permissions of their role."""

    id: int | None
    username: str
    name: str
    role: str | None = None
    role_name: str | None = None
    grants: frozenset[str] = frozenset()
    session_id: int | None = None
    by_token: bool = False
    patient_id: int | None = None
    department_id: int | None = None
    language: str = "en"
    preferences: dict = field(default_factory=dict, hash=False)
    idle_minutes: int | None = None
    """Minutes without activity after which pages lock, when the role has its own limit."""
    unread_alerts: int | None = None
    """How many of this person's alerts are unread; None where they are not counted (API, jobs, commands)."""
    open_escalations: int | None = None
    """How many critical values wait that this person was told of; None where they are not counted, as `unread_alerts`."""
    must_enrol: bool = False
    """The role needs a second factor and this account has none yet."""

    def may(self, permission: Permission) -> bool:
        """Whether this person has `permission`: by their role, or without a role by `GRANTS_WITHOUT_ROLE`."""
        if permission is Permission.PUBLIC or permission is Permission.SIGNED_IN:
            return True
        return permission.value in self.grants or (self.role is None and permission in GRANTS_WITHOUT_ROLE)

    @property
    def is_patient(self) -> bool:
        """Whether this is the account of a patient, who sees only their own record (`patient_id`)."""
        return self.role == Role.PATIENT.value

    @property
    def full_name(self) -> str:
        return self.name

    @property
    def theme(self) -> str:
        """ "light", "dark" or "system"."""
        return self.preferences.get("theme", "system")

    @property
    def density(self) -> str:
        return self.preferences.get("density", "comfortable")

    @property
    def text_size(self) -> str:
        return self.preferences.get("text_size", "normal")

    @property
    def shortcuts_off(self) -> bool:
        return bool(self.preferences.get("shortcuts_off", False))

    @property
    def toasts_off(self) -> bool:
        """Whether new alerts are only counted at the bell and not shown on the page."""
        return self.preferences.get("notify_on_page", True) is False

    def get_id(self) -> str:
        return str(self.id)


@dataclass(frozen=True)
class System(Person):
    """Who acts when no person does: the scheduler, the worker, a command on the server. Has every permission."""

    id: int | None = None
    username: str = "system"
    name: str = "System"

    def may(self, permission: Permission) -> bool:
        return True


SYSTEM = System()
