"""Page: documents and e-mails that failed, and trying them again."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.admin.blueprints import pages
from hms.core.background.outbox import MAX_ATTEMPTS
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires

from . import actions, failed_jobs


@pages.get("/failed-jobs")
@requires(Permission.ADMINISTER)
def failed_jobs_page() -> str:
    """Documents and e-mails that could not be made, with the reason."""
    rows = failed_jobs.list_failed_jobs()
    words = {"kinds": failed_jobs.KINDS, "reasons": failed_jobs.REASONS}
    return render_template("admin/failed_jobs.html", rows=rows, max_attempts=MAX_ATTEMPTS, **words)


@pages.post("/failed-jobs/retry")
@requires(Permission.ADMINISTER)
def retry_failed_jobs() -> ResponseReturnValue:
    """Try one job again (`row`), or every job that the page shows."""
    ids = [parse_record_id(value) for value in request.form.getlist("row")]
    count = actions.retry_failed_jobs([row_id for row_id in ids if row_id is not None], by=current_person())
    flash(_("%(count)s will be tried again now.", count=count), "success")
    return redirect(url_for(".failed_jobs_page"), 303)
