"""Runs the numbered, linear migrations against the application's database, as the owner of its tables."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from hms.core.audit import recording
from hms.core.db import roles
from hms.core.db.advisory_locks import AdvisoryLock

target = current_app.extensions["migrate"].db


def run() -> None:
    """Upgrade in one transaction, one process at a time, without the web's short statement limit; then settle who may what."""
    engine = create_engine(current_app.config["DATABASE_OWNER_URL"], poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATE.value})"))
        connection.execute(
            text("SELECT set_config('hms.ticket', :ticket, false)"), {"ticket": recording.create_signing_ticket()}
        )
        connection.commit()
        context.configure(connection=connection, target_metadata=target.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        roles.configure_role(connection, target.engine.url)
        connection.commit()
        connection.execute(text(f"SELECT pg_advisory_unlock({AdvisoryLock.MIGRATE.value})"))
        connection.commit()


run()
