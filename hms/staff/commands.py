"""Commands about people: the first administrator, and who may do what."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.actions import doing
from hms.core.people import SYSTEM
from hms.core.permissions import ALLOWED, Action, Role

from . import actions, enrolling


@click.command("create-admin")
@click.argument("username")
@click.option("--email", default="")
@click.password_option()
@with_appcontext
def create_admin(username: str, email: str, password: str) -> None:
    """Make an administrator's account."""
    with doing("staff.create_admin", SYSTEM):
        actions.install_roles(by=SYSTEM)
        actions.add_user(username=username, email=email, role=Role.ADMIN.value, password=password, by=SYSTEM)
    click.echo(f"Administrator {username} can sign in.")


@click.command("permissions")
def permissions() -> None:
    """Print role × action, the default grants."""
    click.echo("action".ljust(34) + " ".join(role.value[:5].ljust(5) for role in Role))
    for action in Action:
        marks = " ".join(("x" if action in ALLOWED[role] else "·").ljust(5) for role in Role)
        click.echo(action.value.ljust(34) + marks)


@click.group("totp")
def totp() -> None:
    """The second factor."""


@totp.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Encrypt every authenticator secret with the first of TOTP_KEYS; afterwards the old keys may go."""
    done, lost = enrolling.rotate_keys()
    click.echo(f"{done} secrets are encrypted with the first key.")
    if lost:
        raise click.ClickException(f"{lost} secrets fit none of TOTP_KEYS: their owners must set up the app again.")


commands = (create_admin, permissions, totp)
