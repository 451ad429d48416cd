"""Pages: the administration with the system status, and all sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from hms.admin.blueprints import pages
from hms.admin.exports import SIGN_INS
from hms.admin.forms import SignInFilterForm
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web import navigation
from hms.core.web.filters import filled_in
from hms.core.web.guard import requires
from hms.core.web.parameters import Search, parameters
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
    rows = _read(form, request.args.get("before", type=int), ROWS + 1) if is_valid else []
    filters = filled_in(form)
    older = url_for(".sign_ins", **filters, before=rows[ROWS - 1].LoginActivity.id) if len(rows) > ROWS else None
    labels = {"outcomes": activity.OUTCOMES, "device": activity.describe_device}
    page = render_template("admin/sign_ins.html", form=form, rows=rows[:ROWS], older=older, filters=filters, **labels)
    return page, 200 if is_valid else 400


def _read(form: SignInFilterForm, before: int | None, limit: int) -> Sequence[Any]:
    """The newest attempts that the filters leave, before the one with this id."""
    values = {name: value or None for name, value in form.data.items()}
    query = queries.select_sign_ins(queries.SignInFilter(**values, before=before))
    return db.session.execute(query.limit(limit)).all()


@requires(Permission.READ_SIGN_INS)
def export_sign_ins() -> Response:
    """The attempts of the page as a file. `RuleBroken` for filters that the page refuses."""
    form = SignInFilterForm(request.args)
    if not form.validate():
        raise RuleBroken(N_("Correct the filters of the sign-ins first."))
    rows = PageList(lambda last, limit: _read(form, None if last is None else last.LoginActivity.id, limit))
    return export_response(rows, queries.sign_in_values)


offer_page_export(
    export_sign_ins,
    SIGN_INS,
    parameters(**{name: Search() for name in ("day_from", "day_to", "account", "address", "outcome")}),
)
