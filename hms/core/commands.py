"""Commands of the house: the worker, the clock, the audit trail."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup, with_appcontext

from . import audit, running


@click.command("work")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@with_appcontext
def work(burst: bool) -> None:
    """Make papers and send messages: what waits in the outbox."""
    running.work(burst=burst)


audit_group = AppGroup("audit", help="The audit trail: verify it, take a checkpoint.")


@audit_group.command("verify")
def verify() -> None:
    """Re-compute the chain and name the first bad row; exit 1 if there is one."""
    audit.seal_waiting()
    verdict = audit.verify()
    if verdict.fault:
        click.echo(f"NOT whole: {verdict.fault}, after {verdict.checked} good entries.")
        sys.exit(1)
    click.echo(f"Whole: {verdict.checked} entries fit, {verdict.unsealed} are not sealed yet.")


@audit_group.command("checkpoint")
def checkpoint() -> None:
    """Print the head of the chain, to be kept on another machine or on paper."""
    audit.seal_waiting()
    click.echo(json.dumps(audit.checkpoint()))


commands = (work, audit_group)
