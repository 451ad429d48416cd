"""Work after a commit: the one-time link by e-mail, the alarm when many lockouts happen."""

from __future__ import annotations

from flask_babel import gettext as _

from hms.core import clock
from hms.core.background import mail
from hms.core.background.outbox import job
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.text.formatting import format_datetime
from hms.core.text.translation import N_, Sentence

from . import directory, notifier
from .models import OneTimeLink, User
from .onboarding import one_time_links
from .request_user import new_token, sha256


@job("staff.mail_link")
def mail_link(link_id: int) -> None:
    """Mail a link that is still open. Its secret is made here and kept nowhere: sent again, it is another one."""
    link = db.session.get_one(OneTimeLink, link_id)
    user = db.session.get_one(User, link.user_id)
    if link.used_at or link.ended_at or link.expires_at < clock.now() or not one_time_links.can_be_mailed(user):
        return
    secret = new_token()
    link.mailed_hash = sha256(secret)
    db.session.flush()
    mail.send(
        user.email, _("Your account at %(name)s", name=settings.value("hospital.name")), _words(link, user, secret)
    )


def _words(link: OneTimeLink, user: User, secret: str) -> str:
    address = f"{settings.value('hospital.site_address').rstrip('/')}/welcome/{secret}"
    return _(
        "%(name)s,\n\nopen this page to choose your password:\n\n%(address)s\n\n"
        "It works once, until %(until)s. Your username is %(username)s.\n"
        "If you did not expect this, tell the hospital's administrator.\n",
        name=user.display_name,
        address=address,
        until=format_datetime(link.expires_at),
        username=user.username,
    )


@job("staff.warn_of_lockouts")
def warn_of_lockouts(count: int) -> None:
    """Tell everybody who watches the sign-ins that `count` doors were shut within an hour: somebody may be guessing."""
    for user_id in directory.user_ids_with_permission(Permission.READ_SIGN_INS):
        notifier.notify(
            user_id,
            title=str(Sentence(N_("%(count)s sign-ins locked out within an hour"), count=count)),
            message=N_(
                "Somebody may be guessing passwords. Check whose accounts are locked, and unlock the "
                "accounts of staff who made a mistake."
            ),
            url="/admin/sign-ins?outcome=lockout",
            by=SYSTEM,
        )
