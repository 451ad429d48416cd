"""The floor with which requests are compared: one Flask route that reads one row with SQLAlchemy and answers JSON.

It runs in the same gunicorn as HMS, with the same connection settings (timeouts, pool).
"""

from __future__ import annotations

import os

if os.environ.get("SOCKETIO_ASYNC") == "gevent":
    from gevent import monkey

    monkey.patch_all()

from flask import Flask, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OPTIONS = "-c statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"


class Base(DeclarativeBase):
    """The base class of the only table."""


db = SQLAlchemy(model_class=Base)


class Patient(db.Model):  # type: ignore[name-defined]
    """Six columns of the table of patients."""

    __tablename__ = "patient"

    id: Mapped[int] = mapped_column(primary_key=True)
    hospital_number: Mapped[str]
    given_names: Mapped[str]
    family_name: Mapped[str]
    sex: Mapped[str]
    phone: Mapped[str]


app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
    "pool_size": 10,
    "max_overflow": 0,
    "connect_args": {"options": OPTIONS, "prepare_threshold": 3},
}
db.init_app(app)


@app.get("/<int:patient_id>")
def one_row(patient_id: int):
    """One patient."""
    row = db.get_or_404(Patient, patient_id)
    return jsonify(
        id=row.id,
        unique_id=row.hospital_number,
        first_name=row.given_names,
        last_name=row.family_name,
        gender=row.sex,
        contact_info=row.phone,
    )


@app.get("/api/health/")
def health():
    """Whether the server is ready."""
    return jsonify(status="ok")
