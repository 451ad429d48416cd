"""Commands of the core: the background worker and the audit trail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from .audit import chain, checkpoints
from .background import worker


@click.command("work")
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
@click.option("--short", "is_short", is_flag=True, help="Leave long papers to other workers.")
@with_appcontext
def work(burst: bool, is_short: bool) -> None:
    """Run the background worker, which makes the documents and sends the e-mails of the outbox.

    Long papers (bills of very many lines) are made while nothing else waits. Run a worker with --short beside this one, so
    that other papers never wait for a long one.
    """
    worker.run_worker(burst=burst, takes_long=not is_short)


audit_group = AppGroup("audit", help="The audit trail: verify it, take a checkpoint.")


@audit_group.command("verify")
@click.option("--checkpoint", "checkpoint_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(checkpoint_file: Path | None) -> None:
    """Compute the chain again and print the first invalid entry; exit 1 if there is one.

    The chain must contain the last checkpoint of the file (default: the file in the data directory).
    """
    chain.seal_pending()
    try:
        result = chain.verify(checkpoints.last_checkpoint(checkpoint_file))
    except ValueError:
        click.echo("The checkpoint cannot be read.")
        sys.exit(2)
    if result.fault:
        click.echo(f"NOT valid: {result.fault}, after {result.checked} valid entries.")
        sys.exit(1)
    click.echo(f"Valid: {result.checked} entries checked, {result.unsealed} are not sealed yet.")


@audit_group.command("checkpoint")
def checkpoint() -> None:
    """Print a checkpoint of the chain; store it on another machine or on paper."""
    chain.seal_pending()
    click.echo(json.dumps(chain.checkpoint()))


commands = (work, audit_group)
