"""Runs the numbered, linear migrations against the application's database."""

from alembic import context
from flask import current_app
from sqlalchemy import text

target = current_app.extensions["migrate"].db
ONE_AT_A_TIME = 7_244_001


def run() -> None:
    """Upgrade in one transaction, one process at a time, without the web's short statement limit."""
    engine = target.engine
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})"))
        connection.commit()
        context.configure(connection=connection, target_metadata=target.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text(f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})"))
        connection.execute(text("RESET statement_timeout"))
        connection.commit()


run()
