"""The two roles at the database: the owner makes and changes tables, the application only works in them.

The application's role is no superuser, owns nothing and may not change what a table is; in the trail it may add and
read, nothing else. Triggers refuse the rest to the owner too, but an owner could drop a trigger.
"""

from __future__ import annotations

from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

APPEND_ONLY = ("audit_entry", "audit_seal", "login_activity")
NEVER_DELETED = ("offline_entry", "one_time_link")
READ_ONLY = ("alembic_version",)


def configure_role(connection: Connection, application: URL) -> None:
    """Make the role that `application` signs in as when it is missing, and give it exactly the rights it works with.

    `connection` is the owner's, in a transaction. Nothing is done when both are the same role.
    """
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    role = application.username
    if role is None or role == owner:
        return
    _create_role(connection, role, application.password)
    for statement in (*_grants(), *_revocations(connection)):
        _execute(connection, sql.SQL(statement).format(role=sql.Identifier(role), owner=sql.Identifier(owner)))


def _create_role(connection: Connection, role: str, password: str | None) -> None:
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
    if known is None:
        _execute(connection, sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    _execute(
        connection,
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(str(password) if password else None)
        ),
    )


def _grants() -> tuple[str, ...]:
    return (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )


def _revocations(connection: Connection) -> list[str]:
    """What is taken back: the trail and the sign-in activity are added to and read, the list of migrations is read,
    and what devices sent and links were made for stays."""
    here = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    known = set(connection.execute(here).scalars())
    taken = [f"REVOKE UPDATE, DELETE ON {table} FROM {{role}}" for table in APPEND_ONLY if table in known]
    taken += [f"REVOKE DELETE ON {table} FROM {{role}}" for table in NEVER_DELETED if table in known]
    return taken + [f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {{role}}" for table in READ_ONLY if table in known]


def _execute(connection: Connection, statement: sql.Composed) -> None:
    raw = connection.connection.dbapi_connection
    connection.exec_driver_sql(statement.as_string(raw).replace("%", "%%"))
