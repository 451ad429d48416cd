"""Commands of the house: the worker, the clock, the audit trail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from .audit import chain, checkpoints
from .background import worker


@click.command("work")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@with_appcontext
def work(burst: bool) -> None:
    """Make papers and send messages: what waits in the outbox."""
    worker.run_worker(burst=burst)


audit_group = AppGroup("audit", help="The audit trail: verify it, take a checkpoint.")


@audit_group.command("verify")
@click.option("--checkpoint", "kept", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(kept: Path | None) -> None:
    """Re-compute the chain and name the first bad entry; exit 1 if there is one.

    The chain must still hold the last checkpoint: that of the file given, else of the data directory's own.
    """
    chain.seal_pending()
    try:
        verdict = chain.verify(checkpoints.last_checkpoint(kept))
    except ValueError:
        click.echo("The checkpoint cannot be read.")
        sys.exit(2)
    if verdict.fault:
        click.echo(f"NOT whole: {verdict.fault}, after {verdict.checked} good entries.")
        sys.exit(1)
    click.echo(f"Whole: {verdict.checked} entries fit, {verdict.unsealed} are not sealed yet.")


@audit_group.command("checkpoint")
def checkpoint() -> None:
    """Print the head of the chain, to be kept on another machine or on paper."""
    chain.seal_pending()
    click.echo(json.dumps(chain.checkpoint()))


commands = (work, audit_group)
