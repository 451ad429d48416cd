"""Command-line commands for staff: the first administrator, roles, permissions, encryption keys."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from hms.core.actions import action_context
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import DEFAULT_GRANTS, Permission, Role
from hms.core.person import SYSTEM
from hms.core.settings import store as settings

from . import hospital_facts
from .accounts import actions as account_actions
from .onboarding import one_time_links, set_password
from .roles import actions as role_actions
from .second_factor import actions as second_factor_actions


@click.command("create-admin")
@click.argument("username")
@click.option("--email", default="")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--password", help="Leave it out to print a one-time link with which the person chooses a password.")
@click.option("--hospital-name", help="The first time it is asked for when it is left out, with address and phone.")
@click.option("--hospital-address")
@click.option("--hospital-phone")
@with_appcontext
def create_admin(
    username: str,
    email: str,
    first_name: str,
    last_name: str,
    password: str | None,
    **hospital: str | None,
) -> None:
    """Create an administrator's account and print the link with which the person chooses a password."""
    names = {"email": email, "first_name": first_name, "last_name": last_name}
    facts = hospital_facts.prompt_for_missing({name.removeprefix("hospital_"): text for name, text in hospital.items()})
    try:
        with action_context("staff.create_admin", SYSTEM):
            hospital_facts.save(facts)
            role = role_actions.install_roles(by=SYSTEM)[Role.ADMIN.value]
            added = account_actions.add_person(username=username, role_id=role.id, by=SYSTEM, **names)
            if password is not None:
                set_password.set_password(added.user, set_password.hash_new_password(added.user, password))
    except (RuleBroken, Conflict) as refused:
        click.echo(str(refused), err=True)
        sys.exit(1)
    if not settings.is_entered("hospital.name"):
        click.echo(
            "The hospital has no name yet: enter name, address and phone under Administration, Settings.", err=True
        )
    if password is not None:
        click.echo(f"Administrator {username} can sign in.")
        return
    site = settings.value("hospital.site_address") or "(the address of the hospital's pages)"
    hours = one_time_links.LINK_HOURS
    click.echo(f"Administrator {username} chooses a password within {hours} hours at {site}/welcome/{added.secret}")


@click.command("install-roles")
@with_appcontext
def install_roles() -> None:
    """Create the built-in roles, and give them the permissions that are new in this version of the program."""
    with action_context("staff.install_roles", SYSTEM):
        roles = role_actions.install_roles(by=SYSTEM)
    click.echo(f"{len(roles)} roles are in place.")


@click.command("permissions")
def permissions() -> None:
    """Print the default permissions of each built-in role."""
    click.echo("action".ljust(34) + " ".join(role.value[:5].ljust(5) for role in Role))
    for action in Permission:
        marks = " ".join(("x" if action in DEFAULT_GRANTS[role] else "·").ljust(5) for role in Role)
        click.echo(action.value.ljust(34) + marks)


@click.group("totp")
def totp() -> None:
    """The second factor."""


@totp.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Encrypt every authenticator secret with the first of TOTP_KEYS; afterwards you can remove the old keys."""
    done, lost = second_factor_actions.rotate_keys()
    click.echo(f"{done} secrets are encrypted with the first key.")
    if lost:
        raise click.ClickException(f"No key of TOTP_KEYS opens {lost} secrets: their owners must set up the app again.")


commands = (create_admin, install_roles, permissions, totp)
