"""Nothing that is stored is ever markup, a template or a format: every text column, shown on every page, to every role."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import JSON, Column, String, Table, cast, exists, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError

from hms.billing.bills.frozen_facts import lines_for_documents
from hms.billing.documents import invoice, invoice_paper
from hms.billing.models import Bill
from hms.clinical.models import Immunization, Observation
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.db.session import get_or_not_found
from hms.core.drafts import Draft
from hms.core.permissions import Role
from hms.core.settings import store as settings
from hms.core.settings.definitions import SETTINGS
from hms.core.settings.store import SystemSetting
from hms.formulary.models import DoseSentence
from hms.interop.models import OfflineEntry, SourceRecord
from hms.local.servers.postgres import APPLICATION
from hms.staff.models import Department, LoginActivity
from tests.house.hospital import add, every_record
from tests.house.places import places

pytestmark = [pytest.mark.security("J"), pytest.mark.slow]

SCRIPT = "<script data-planted src=/static/vendor/socket.io.min.js></script>"
TYPED = f"Xy{SCRIPT}'\"><img src=x onerror=planted()>{{{{7123*7}}}}{{% raw %}}%s %(x)s %3000000s\u202egnp\u2066"
LONG = TYPED + "w" * (10_000 - len(TYPED))
"""The text in every column: a script, an image that runs one, a template, formats, controls of direction, 10,000 letters."""

CODES = {
    "app_user.language", "app_user.password_hash", "app_user.pin_hash", "app_user.totp_secret", "audit_entry.action",
    "audit_entry.entity", "audit_entry.outcome", "audit_entry.ticket", "correction.method", "draft.form",
    "login_activity.status", "medication.catalogue_key", "notification.kind", "notification.url",
    "number_series.series", "offline_entry.key", "offline_entry.model", "once_key.body", "once_key.content_type",
    "once_key.fingerprint", "once_key.key", "once_key.location", "one_time_link.purpose", "outbox.kind",
    "printed_copy.kind", "printed_document.digest", "printed_document.edition", "printed_document.facts",
    "printed_document.kind", "profile_photo.mark",
    "recovery_code.code_hash", "refresh_token.family", "role.code", "role.grants", "role.offered", "sign_in_gate.key",
    "system_setting.key", "cash_shift.counted", "cash_shift.expected", "patient.hospital_number", "bill.number",
    "payment.number", "cash_shift.number",
    "import_batch.date_order", "import_batch.decimal_sign", "import_batch.state", "import_row.state",
    "import_batch.kind", "import_batch.encoding", "import_batch.separator",
    "consent_text.language", "issued_document.code", "issued_document.language",
    "record_document.digest", "patient.contact_numbers",
    "goods_receipt.number", "message_preference.language", "message_text.channel", "message_text.kind",
    "message_text.language", "outgoing_message.kind", "outgoing_message.language", "patient_merge_row.column_name",
    "patient_merge_row.table_name", "service_pace.gaps", "service_pace.kind", "service_pace.overtaken",
    "service_pace.turns", "wall_screen.spoken",
}  # fmt: skip
"""Columns of the program's own codes, hashes and numbers, which nobody types and no import fills."""


def typed_columns() -> list[Column[Any]]:
    """Every column that holds text or JSON, is not computed by the database and is no code."""
    return [
        column
        for table in database.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, (String, JSON, ARRAY)) and column.computed is None and str(column) not in CODES
    ]


def _planted(value: Any, new: str) -> Any:
    """`value` of a JSON column with the text in the place of each of its own texts."""
    if isinstance(value, dict):
        return {key: _planted(part, new) for key, part in value.items()}
    if isinstance(value, list):
        return [_planted(part, new) for part in value]
    return new if isinstance(value, str) else value


def _plant(column: Column[Any], new: Any) -> bool:
    """Whether the database takes `new` for every row of the column."""
    table = column.table
    try:
        with database.session.begin_nested():
            database.session.execute(update(table).values({column.name: new}))
    except DBAPIError:
        return False
    return True


def _plant_json(column: Column[Any], new: str) -> bool:
    table = column.table
    for row_id, value in database.session.execute(select(table.c.id, column)).all():
        database.session.execute(update(table).where(table.c.id == row_id).values({column.name: _planted(value, new)}))
    return True


def _is_planted(column: Column[Any], new: str) -> bool:
    """Write the text into every row, as long as the database takes it; with the row's id where each must be another."""
    if isinstance(column.type, JSONB):
        return _plant_json(column, new)
    if isinstance(column.type, ARRAY):
        return _plant(column, cast([new], ARRAY(String)))
    key = column.table.primary_key.columns[0]
    return any(_plant(column, way) for way in (new, cast(key, String) + literal(new[:2000]), TYPED))


def plant(new: str = LONG) -> list[str]:
    """Write `new` into every column, past triggers and keys; the names of the columns whose checks refuse it."""
    session = database.session
    session.execute(text("RESET ROLE"))
    session.execute(text("SET session_replication_role = replica"))
    refused = [str(column) for column in typed_columns() if not _is_planted(column, new)]
    session.execute(text("SET session_replication_role = origin"))
    session.execute(text(f"SET ROLE {APPLICATION}"))
    session.commit()
    settings.clear_cache()
    return refused


LIVE = re.compile(r"<script data-planted|<img src=x", re.IGNORECASE)


def what_is_wrong(status: int, body: str, mimetype: str) -> list[str]:
    """The faults of a response: an error, the text as markup, as a template, or as a format."""
    wrong = [str(status)] if status >= 500 else []
    if mimetype == "text/html" and LIVE.search(body):
        wrong.append("it is an element of the page")
    if "49861" in body:
        wrong.append("it was computed as a template")
    if " " * 2000 in body:
        wrong.append("it was used as a format")
    return wrong


REFUSED = {
    "allergy.severity", "allergy.status", "appointment.status", "appointment_series.unit",
    "bill.status", "break_glass.finding", "condition.certainty",
    "condition.clinical_status", "correction.kind", "correction.status", "encounter.status", "lab_order.status",
    "lab_result.flag",
    "medication.formulation", "patient.allergy_status", "patient.sex", "patient.status", "payment.kind",
    "payment.method", "point_entry.status", "prescription.status", "queue_entry.status", "rule_change.decision",
    "service_point.kind", "role_change_request.status",
    "stock_movement.kind", "vitals_reading.status",
    "consent.decided_by", "consent.status", "death.status", "issued_document.kind", "issued_document.status",
    "duplicate_pair.status", "message_preference.email", "message_preference.sms",
    "record_document.category", "record_document.mimetype", "record_document.scan", "record_document.status",
    "other_phone.owner", "outgoing_message.channel", "relative.relation",
    "outgoing_message.status", "patient_merge.kind", "patient_merge.status", "visit_type.colour",
    "escalation.read_back", "escalation.status", "escalation_step.status", "escalation_step.who",
    "escalation_step.channels", "note_template.kind",
}  # fmt: skip
"""Codes that a constraint of the database refuses; that they stay refused is part of the test."""


@pytest.fixture
def known(app, db) -> dict[str, int]:
    """The ids of one patient's whole record, before anything is planted in it; no table in which people write is empty."""
    ids = every_record("Planted")
    of = {"patient_id": ids["patient_id"], "encounter_id": ids["encounter_id"]}
    add(Observation(code="1", title="Ward scale", value="3", taken_at=clock.now(), **of))
    add(Immunization(vaccine="BCG", given_on=clock.today(), **of))
    add(DoseSentence(medication_id=ids["medication_id"], amount=1, unit="tablet", frequency="twice_daily", label="One"))
    add(Department(name="Outpatients"))
    add(LoginActivity(user_id=ids["user_id"], typed_name="doctor", status="failed"))
    add(SourceRecord(external_id="Patient/1", said={"name": "Sesay"}))
    add(Draft(person_id=ids["user_id"], form=f"encounter:{ids['encounter_id']}", content={"notes": "Cough"}))
    refused = {"fields": {"first_name": "Musa"}, "refusal": {"first_name": ["Too long"]}, "status": 400}
    add(OfflineEntry(user_id=ids["user_id"], model="patient", key="a-1", **refused))
    for setting in SETTINGS.values():
        if setting.kind == "text":
            add(SystemSetting(key=setting.key, value=setting.default or "x"))
    empty = [table.name for table in {column.table for column in typed_columns()} if _is_empty(table)]
    assert set(empty) <= WRITTEN_BY_THE_PROGRAM
    return ids


def _is_empty(table: Table) -> bool:
    return not database.session.execute(select(exists(select(table)))).scalar_one()


WRITTEN_BY_THE_PROGRAM = {
    *("user_session", "diagnosis_code", "outbox"),
    *("month_to_date", "total_before_month", "unsettled_day", "service_pace", "patient_merge_row"),
    *("refused_alert", "rule_trial"),
}
"""Tables whose text is a browser's name, a list that is shipped, the text of an error, or that of the records added up, or
named by a rule."""


def test_stored_text_is_text_on_every_page_in_every_role(app, known, desk, program):
    clients = {role.value: (desk(role.value), program(role.value)) for role in Role}
    left = set(plant()) - {"prescription.external_id"}
    assert left == REFUSED
    app.config["PROPAGATE_FAULTS"] = False
    shown, wrong = set(), []
    for role, (browser, caller) in clients.items():
        browser.checks = caller.checks = False
        for place in places(app, known):
            if place.method != "GET":
                continue
            answer = (caller if place.is_api else browser).get(place.path)
            is_packed = answer.mimetype in ("application/pdf", "application/zip")
            body = "" if is_packed else answer.get_data(as_text=True)
            wrong += [
                f"{role} {place.rule}: {said}" for said in what_is_wrong(answer.status_code, body, answer.mimetype)
            ]
            if "{{7123*7}}" in body:
                shown.add(place.endpoint)
    app.config["PROPAGATE_FAULTS"] = True
    assert wrong == []
    assert len(shown) > 60, sorted(shown)


def test_stored_text_is_text_on_a_printed_invoice(app, known):
    plant(TYPED)
    with app.test_request_context():
        bill = get_or_not_found(Bill, known["bill_id"])
        content = invoice_paper.render_invoice(lines_for_documents(bill.id), invoice.invoice_content(bill))
    printed = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    assert "{{7123*7}}" in printed
    assert "%s %(x)s" in printed
    assert "<script data-planted" in printed
