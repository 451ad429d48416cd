"""Pages: the administrator's desk, the audit browser, sign-ins, settings."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from hms.core import nav
from hms.core.db import db
from hms.core.permissions import Action
from hms.core.web import needs
from hms.core.words import _
from hms.staff import activity

from . import (
    queries,
    reviews,  # noqa: F401 - puts its pages on the blueprint
    settings_views,  # noqa: F401 - puts its pages on the blueprint
    words,
)
from .desk import pages
from .forms import AuditFilterForm, SignInFilterForm
from .masking import masked

__all__ = ("pages",)

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
    seen = {"rows": rows[:ROWS], "older": older, "deed_of": words.deed, "entities": words.ENTITIES, "masked": masked}
    return render_template("admin/audit.html", form=form, **seen), 200 if is_readable else 400


def _wanted(form: AuditFilterForm) -> queries.AuditFilter:
    given = {name: value or None for name, value in form.data.items()}
    return queries.AuditFilter(**given, before=request.args.get("before", type=int))


def _older(before: int) -> str:
    kept = {name: value for name, value in request.args.items() if name != "before"}
    return url_for(request.endpoint or "", **kept, before=before)


@pages.get("/sign-ins")
@needs(Action.READ_SIGN_INS)
def sign_ins() -> ResponseReturnValue:
    """Every try to sign in, newest first; the filters are in the address."""
    form = SignInFilterForm(request.args)
    is_readable = form.validate()
    given = {name: value or None for name, value in form.data.items()} | {
        "before": request.args.get("before", type=int)
    }
    query = queries.sign_ins(queries.SignInFilter(**given)).limit(ROWS + 1)
    rows = db.session.execute(query).all() if is_readable else []
    older = _older(rows[ROWS - 1].LoginActivity.id) if len(rows) > ROWS else None
    words = {"outcomes": activity.OUTCOMES, "device": activity.device_in_words}
    page = render_template("admin/sign_ins.html", form=form, rows=rows[:ROWS], older=older, **words)
    return page, 200 if is_readable else 400
