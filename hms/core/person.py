"""Who acts: the person behind a request, a job or a command, as every desk sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_login import UserMixin

from .permissions import GRANTS_WITHOUT_ROLE, Permission, Role


@dataclass(frozen=True)
class Person(UserMixin):
    """A signed-in person, loaded anew for every request. `grants` are the actions their role allows at this moment."""

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
    """The role's own limit, after which pages without work lock."""
    unread_alerts: int | None = None
    """Alerts of this person that are not read yet; None where they were not counted (programs, jobs, commands)."""
    must_enrol: bool = False
    """The role needs a second factor and this account has none yet."""

    def may(self, action: Permission) -> bool:
        """Whether this person's role allows `action`; without a role, whether one may do it all the same."""
        if action is Permission.PUBLIC or action is Permission.SIGNED_IN:
            return True
        return action.value in self.grants or (self.role is None and action in GRANTS_WITHOUT_ROLE)

    @property
    def is_patient(self) -> bool:
        """Whether this is a patient at their own record (`patient_id`), who sees nothing of anybody else's."""
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
        """Whether alerts only raise the number at the bell."""
        return self.preferences.get("notify_on_page", True) is False

    def get_id(self) -> str:
        return str(self.id)


@dataclass(frozen=True)
class System(Person):
    """The hospital itself: the clock, the worker, a command at the server. May do everything, and is named in the trail."""

    id: int | None = None
    username: str = "system"
    name: str = "System"

    def may(self, action: Permission) -> bool:
        return True


SYSTEM = System()
