"""Pages: the administrator's desk, the audit browser, sign-ins, settings."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hms.core import nav, settings
from hms.core.db import db
from hms.core.errors import NotFound
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.core.words import _
from hms.staff import queries as staff

from . import queries, words
from .forms import AuditFilterForm, SettingForm

pages = Blueprint("admin", __name__, url_prefix="/admin")
nav.place(_("Admin"), "admin.desk", Action.ADMINISTER, 80)
ROWS = 50


@pages.get("/")
@needs(Action.ADMINISTER)
def desk() -> str:
    """The administrator's desk: how the system is, and where to go."""
    return render_template("admin/desk.html", health=queries.health(), figures=queries.figures())


@pages.get("/audit")
@needs(Action.READ_AUDIT)
def audit() -> ResponseReturnValue:
    """Who did what and when, newest first; the filters are in the address."""
    form = AuditFilterForm(request.args)
    is_readable = form.validate()
    rows = db.session.scalars(queries.audit_entries(_wanted(form)).limit(ROWS + 1)).all() if is_readable else []
    older = _older(rows[ROWS - 1].id) if len(rows) > ROWS else None
    seen = {"rows": rows[:ROWS], "older": older, "deed_of": words.deed, "entities": words.ENTITIES}
    return render_template("admin/audit.html", form=form, **seen), 200 if is_readable else 400


def _wanted(form: AuditFilterForm) -> queries.AuditFilter:
    given = {name: value or None for name, value in form.data.items()}
    return queries.AuditFilter(**given, before=request.args.get("before", type=int))


def _older(before: int) -> str:
    kept = {name: value for name, value in request.args.items() if name != "before"}
    return url_for(request.endpoint or "", **kept, before=before)


@pages.get("/sign-ins")
@needs(Action.READ_SIGN_INS)
def sign_ins() -> str:
    """Every try to sign in, newest first."""
    rows = db.session.execute(queries.sign_ins(request.args.get("before", type=int)).limit(ROWS + 1)).all()
    older = _older(rows[ROWS - 1].LoginActivity.id) if len(rows) > ROWS else None
    return render_template("admin/sign_ins.html", rows=rows[:ROWS], older=older)


@pages.get("/users")
@needs(Action.MANAGE_STAFF)
def users() -> str:
    """The people of the hospital and their roles."""
    return render_template("admin/users.html", users=db.session.scalars(staff.users()).unique().all())


@pages.get("/settings")
@needs(Action.READ_SETTINGS)
def all_settings() -> str:
    """Every setting with its present value and its default, by category."""
    by_category: dict[str, list[settings.Setting]] = {}
    for setting in settings.SETTINGS.values():
        by_category.setdefault(setting.category, []).append(setting)
    return render_template("admin/settings.html", by_category=by_category, value=settings.value)


@pages.route("/settings/<key>", methods=["GET", "POST"])
@needs(Action.MANAGE_SETTINGS)
def setting(key: str) -> ResponseReturnValue:
    """Change one setting."""
    known = settings.SETTINGS.get(key)
    if known is None:
        raise NotFound(_("There is no such setting."))
    form, is_flag = SettingForm(), isinstance(known.default, bool)
    if request.method == "GET":
        form.new.data, form.ticked.data = str(settings.value(key)), bool(settings.value(key))
    if form.save(_change(key, is_flag), by=person()):
        return redirect(url_for(".all_settings"), 303)
    return render_template("admin/setting.html", form=form, setting=known, is_flag=is_flag), form.status


def _change(key: str, is_flag: bool):
    """The setting's action with the form's two fields joined into the one value; a refused value hangs on its field."""

    def change(*, new: str, ticked: bool, by):
        return settings.change_setting(key, ticked if is_flag else new, by=by)

    return change
