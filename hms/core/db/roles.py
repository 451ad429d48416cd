"""The two database roles: the owner creates and alters tables, the application reads and writes rows.

The application's role is no superuser, owns nothing and may not alter tables; in the audit trail it may only insert and
read. Triggers refuse changes of the trail to the owner too, but an owner could drop a trigger.
"""

from __future__ import annotations

from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

APPEND_ONLY = ("audit_entry", "audit_seal", "login_activity")
NEVER_DELETED = ("offline_entry", "one_time_link")
READ_ONLY = ("alembic_version",)


def configure_role(connection: Connection, application: URL) -> None:
    """Create the role of the URL `application` when it is missing, and give it exactly the privileges it needs.

    `connection` is the owner's, in a transaction. Does nothing when the owner and the application are the same role.
    """
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    role = application.username
    if role is None or role == owner:
        return
    _create_role(connection, role, application.password)
    for statement in (*_grants(), *_revocations(connection)):
        _execute(connection, sql.SQL(statement).format(role=sql.Identifier(role), owner=sql.Identifier(owner)))


def _create_role(connection: Connection, role: str, password: str | None) -> None:
    existing = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
    if existing is None:
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
    """REVOKE statements for the tables of `APPEND_ONLY`, `NEVER_DELETED` and `READ_ONLY` that exist."""
    table_names = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    existing = set(connection.execute(table_names).scalars())
    revocations = (("UPDATE, DELETE", APPEND_ONLY), ("DELETE", NEVER_DELETED), ("INSERT, UPDATE, DELETE", READ_ONLY))
    return [
        f"REVOKE {privileges} ON {table} FROM {{role}}"
        for privileges, tables in revocations
        for table in tables
        if table in existing
    ]


def _execute(connection: Connection, statement: sql.Composed) -> None:
    driver_connection = connection.connection.dbapi_connection
    connection.exec_driver_sql(statement.as_string(driver_connection).replace("%", "%%"))
