"""Pages: the administration with the system status, and all sign-ins."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from hms.admin.blueprints import pages
from hms.admin.forms import SignInFilterForm
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.web import navigation
from hms.core.web.filters import filled_in
from hms.core.web.guard import requires
from hms.staff.login_security import activity

from . import queries

OTHER_DESKS = ("/imports/", "/patients/address-areas", "/patients/consent-texts")
"""Pages of administrators at the addresses of other desks."""

navigation.add_entry(_l("Admin"), "admin.desk", Permission.ADMINISTER, 80, also=OTHER_DESKS)
ROWS = 50


@pages.get("/")
@requires(Permission.ADMINISTER)
def desk() -> str:
    """The administration page: system status, counts, and links."""
    return render_template("admin/desk.html", health=queries.get_health(), figures=queries.count_for_administrators())


@pages.get("/sign-ins")
@requires(Permission.READ_SIGN_INS)
def sign_ins() -> ResponseReturnValue:
    """Every sign-in attempt, newest first; the filters are in the address."""
    form = SignInFilterForm(request.args)
    is_valid = form.validate()
    values = {name: value or None for name, value in form.data.items()} | {
        "before": request.args.get("before", type=int)
    }
    query = queries.select_sign_ins(queries.SignInFilter(**values)).limit(ROWS + 1)
    rows = db.session.execute(query).all() if is_valid else []
    filters = filled_in(form)
    older = url_for(".sign_ins", **filters, before=rows[ROWS - 1].LoginActivity.id) if len(rows) > ROWS else None
    labels = {"outcomes": activity.OUTCOMES, "device": activity.describe_device}
    page = render_template("admin/sign_ins.html", form=form, rows=rows[:ROWS], older=older, **labels)
    return page, 200 if is_valid else 400
