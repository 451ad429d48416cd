"""Every route names its action, and every action is reachable."""

from __future__ import annotations

from pathlib import Path

import pytest

from hms.core.permissions import DEFAULT_GRANTS, Permission, Role
from hms.staff.roles.actions import UNGRANTED
from hms.staff.roles.permission_labels import PERMISSION_LABELS

pytestmark = pytest.mark.security("A")

PRINTED = Path(__file__).with_name("permissions.txt")


def test_every_route_names_its_action(app):
    silent = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "needs"))
    foreign = {"api-docs.openapi_json"}
    assert [name for name in silent if name not in foreign] == [], "Add @needs(Action.…) to these, or they stay shut."


def test_a_route_without_an_action_is_shut(app, desk, monkeypatch):
    admin = desk("admin")
    assert admin.get("/find").status_code == 200
    monkeypatch.delattr(app.view_functions["home.find_page"], "needs")
    assert admin.get("/find").status_code == 403


def test_public_routes_are_few_and_known(app):
    public = {name for name, view in app.view_functions.items() if getattr(view, "needs", None) is Permission.PUBLIC}
    assert {name for name in public if not name.startswith("kit.")} <= {
        "static",
        "logo.picture",
        "headers.report_violation",
        "appointments.wall",
        "appointments.wall_rows",
        "staff.sign_in",
        "staff.enter_code",
        "staff.locked",
        "staff.unlock",
        "staff.welcome",
        "staff.register",
        "staff.registered",
        "staff_api.sign_in",
        "staff_api.refresh",
        "staff_api.register",
        "message_reports_api.report",
        "admin_api.health",
        "admin_api.documentation",
        "admin_api.openapi",
        "admin_api.public_settings",
    }


def test_the_default_grants_are_as_reviewed():
    rows = [
        " ".join([action.value.ljust(34), *(_mark(role, action) for role in Role)]).rstrip() for action in Permission
    ]
    table = (
        "\n".join([" ".join(["action".ljust(34), *(role.value[:6].ljust(6) for role in Role)]).rstrip(), *rows]) + "\n"
    )
    assert PRINTED.read_text(encoding="utf-8") == table, "Review the new grants, then write them to permissions.txt."


def _mark(role: Role, action: Permission) -> str:
    return ("x" if action in DEFAULT_GRANTS[role] else "·").ljust(6)


def test_every_permission_is_said_in_plain_words():
    silent = [
        action.value for action in Permission if action not in PERMISSION_LABELS and action.value not in UNGRANTED
    ]
    assert silent == [], "Say in hms/staff/roles/permission_labels.py what these allow."
