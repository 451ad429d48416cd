"""Escalations of critical values: the steps of each, who was told in each step, who acknowledged the value.

A step is done once, and nobody is told twice in it. Who acknowledges is the person of the transaction.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0102"

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
DOING = """SELECT set_config('hms.doing', '{"action": "migration.0104", "name": "system"}', true)"""
GRANTS = {
    "escalations.read": ("admin", "doctor", "nurse", "lab"),
    "escalations.acknowledge": ("doctor", "nurse"),
}
TRANSITIONS = {
    "escalation": {"acknowledged": ["corrected"], "corrected": [], "open": ["acknowledged", "corrected"]},
    "escalation_step": {"done": [], "dropped": [], "planned": ["done", "dropped"]},
}
KEYS = {
    "patient_id": "patient",
    "vitals_reading_id": "vitals_reading",
    "lab_result_id": "lab_result",
    "encounter_id": "encounter",
    "doctor_id": "app_user",
    "reported_by_id": "app_user",
    "acknowledged_by_id": "app_user",
    "replaced_by_id": "escalation",
}
SAME_PATIENT = ("encounter_id", "encounter", "vitals_reading_id", "vitals_reading", "replaced_by_id", "escalation")
END_OF_CASES = "            END CASE;"
CASES = """                WHEN 'vitals_reading' THEN SELECT patient_id INTO owner FROM vitals_reading WHERE id = named;
                WHEN 'escalation' THEN SELECT patient_id INTO owner FROM escalation WHERE id = named;
"""
FREE = "status,ended_at,acknowledged_by_id,acknowledged_at,read_back,replaced_by_id,updated_at"
ACKNOWLEDGED = """
CREATE FUNCTION hms_acknowledged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.acknowledged_by_id IS DISTINCT FROM hms_acting_person() OR OLD.acknowledged_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'escalation % is acknowledged by the person who acts, once', NEW.id USING CONSTRAINT = 'permanent';
    END IF;
    RETURN NEW;
END $$
"""


def _base_columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
    )


def _keys(table: str, keys: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=f"fk_{table}_{name}", ondelete="RESTRICT")
        for name, other in keys.items()
    ]


def upgrade() -> None:
    _create_escalation()
    _create_step()
    _create_alert()
    _create_triggers()
    op.execute(DOING)
    for grant, roles in GRANTS.items():
        op.execute(
            sa.text(
                "UPDATE role SET grants = array_append(grants, :grant) "
                "WHERE code = ANY(:roles) AND NOT :grant = ANY(grants)"
            ).bindparams(grant=grant, roles=list(roles))
        )


def _create_escalation() -> None:
    op.create_table(
        "escalation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name != "patient_id") for name in KEYS),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("number", sa.Numeric(14, 4), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("read_back", sa.Text(), nullable=False),
        *_base_columns(),
        sa.CheckConstraint("status IN ('open', 'acknowledged', 'corrected')", name="status_known"),
        sa.CheckConstraint("num_nonnulls(vitals_reading_id, lab_result_id) = 1", name="one_cause"),
        sa.CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended_has_time"),
        sa.CheckConstraint(
            "(acknowledged_by_id IS NOT NULL) = (acknowledged_at IS NOT NULL) "
            "AND (acknowledged_by_id IS NOT NULL) = (btrim(read_back) <> '')",
            name="acknowledged_with_value",
        ),
        sa.CheckConstraint("status <> 'acknowledged' OR acknowledged_by_id IS NOT NULL", name="acknowledged_by_name"),
        sa.CheckConstraint("btrim(subject) <> '' AND btrim(value) <> ''", name="value_given"),
        *_keys("escalation", KEYS),
        sa.PrimaryKeyConstraint("id", name="pk_escalation"),
    )
    op.create_index("uq_escalation_vitals_reading", "escalation", ["vitals_reading_id"], unique=True)
    op.create_index("uq_escalation_lab_result", "escalation", ["lab_result_id"], unique=True)
    is_open = sa.text("status = 'open'")
    op.create_index("ix_escalation_open", "escalation", ["began_at", "id"], postgresql_where=is_open)
    op.create_index("ix_escalation_began_at", "escalation", ["began_at", "id"])
    op.create_index("ix_escalation_patient", "escalation", ["patient_id", "id"])


def _create_step() -> None:
    op.create_table(
        "escalation_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("escalation_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        *_base_columns(),
        sa.CheckConstraint("status IN ('planned', 'done', 'dropped')", name="status_known"),
        sa.CheckConstraint("who IN ('responsible', 'nurses', 'doctors', 'administrators')", name="who_known"),
        sa.CheckConstraint("channels IN ('page', 'page_sms', 'page_email', 'all')", name="channels_known"),
        sa.CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        sa.CheckConstraint("position > 0", name="position_possible"),
        *_keys("escalation_step", {"escalation_id": "escalation"}),
        sa.PrimaryKeyConstraint("id", name="pk_escalation_step"),
    )
    op.create_index("uq_escalation_step_position", "escalation_step", ["escalation_id", "position"], unique=True)
    is_planned = sa.text("status = 'planned'")
    op.create_index("ix_escalation_step_due", "escalation_step", ["due_at", "id"], postgresql_where=is_planned)


def _create_alert() -> None:
    keys = {"step_id": "escalation_step", "user_id": "app_user", "notification_id": "notification"}
    op.create_table(
        "escalation_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in keys),
        *_base_columns(),
        *_keys("escalation_alert", keys),
        sa.PrimaryKeyConstraint("id", name="pk_escalation_alert"),
    )
    op.create_index("uq_escalation_alert_once", "escalation_alert", ["step_id", "user_id"], unique=True)
    op.create_index("uq_escalation_alert_notification", "escalation_alert", ["notification_id"], unique=True)
    op.create_index("ix_escalation_alert_user", "escalation_alert", ["user_id", "step_id"])


def _create_triggers() -> None:
    for table in ("escalation", "escalation_step", "escalation_alert"):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
        )
    for table, free in {"escalation": FREE, "escalation_step": "status,done_at,updated_at"}.items():
        op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
        op.execute(
            f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_frozen('{{{free}}}')"
        )
        op.execute(
            f"CREATE TRIGGER status_change BEFORE UPDATE OF status ON {table} FOR EACH ROW "
            f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS[table])}')"
        )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON escalation_alert FOR EACH ROW "
        "EXECUTE FUNCTION hms_permanent()"
    )
    op.execute(ACKNOWLEDGED)
    op.execute(
        "CREATE TRIGGER acknowledged BEFORE UPDATE OF acknowledged_by_id ON escalation FOR EACH ROW "
        "WHEN (OLD.acknowledged_by_id IS DISTINCT FROM NEW.acknowledged_by_id) EXECUTE FUNCTION hms_acknowledged()"
    )
    op.execute(
        "CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON escalation FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    _replace_in_same_patient(END_OF_CASES, CASES + END_OF_CASES)
    op.execute(
        f"CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF patient_id, {', '.join(SAME_PATIENT[::2])} "
        f"ON escalation FOR EACH ROW EXECUTE FUNCTION hms_same_patient({', '.join(map(repr, SAME_PATIENT))})"
    )


def _replace_in_same_patient(old: str, new: str) -> None:
    select = sa.text("SELECT pg_get_functiondef('hms_same_patient'::regproc)")
    definition = op.get_bind().execute(select).scalar_one()
    if old not in definition:
        raise RuntimeError("hms_same_patient is not the one of migration 0056")
    op.get_bind().exec_driver_sql(definition.replace(old, new).replace("%", "%%"))


def downgrade() -> None:
    op.execute(DOING)
    for grant in GRANTS:
        op.execute(sa.text("UPDATE role SET grants = array_remove(grants, :grant)").bindparams(grant=grant))
    for table in ("escalation_alert", "escalation_step", "escalation"):
        op.drop_table(table)
    op.execute("DROP FUNCTION hms_acknowledged()")
    _replace_in_same_patient(CASES, "")
