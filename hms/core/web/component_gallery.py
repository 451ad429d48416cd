"""The component gallery at /dev/kit: every macro in its normal, error and empty states. For development and tests only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask import Blueprint, Response, jsonify, render_template, request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from hms.core import clock
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.text.formatting import clock_time

from .buttons import flash_with_undo
from .guard import requires

pages = Blueprint("kit", __name__, url_prefix="/dev/kit")


@dataclass
class SamplePatient:
    """A patient with the attributes that the macros use."""

    family_name: str
    given_name: str
    hospital_number: str
    title: str = ""
    date_of_birth: date | None = date(1991, 3, 13)
    birth_is_estimated: bool = False
    sex: str = "female"
    allergy_status: str = "known"
    allergy_words: str = "Known allergies"
    deceased_on: date | None = None
    deceased_text: str = ""
    same_name_count: int = 0
    queue_words: str = ""
    id: int = 0


class SampleForm(FlaskForm):
    """One field of each kind."""

    given_name = StringField("Given names", [InputRequired("Enter the given names.")])
    family_name = StringField("Family name", [InputRequired("Enter the family name.")])
    sex = RadioField(
        "Sex",
        [InputRequired("Choose the sex.")],
        choices=[
            SelectChoice("female", "Female"),
            SelectChoice("male", "Male"),
            SelectChoice("other", "Other"),
            SelectChoice("unknown", "Not known"),
        ],
    )
    born = StringField("Date of birth", [InputRequired("Enter a date of birth or an age.")])
    weight = StringField("Weight")
    fee = StringField("Fee")
    role = SelectField("Role", choices=[SelectChoice("nurse", "Nurse"), SelectChoice("doctor", "Doctor")])
    note = TextAreaField("Note")
    consent = BooleanField("Counselling given")
    password = PasswordField("Password")
    patient = StringField("Patient")
    patient_id = HiddenField()
    reasons = SelectMultipleField(
        "Reasons",
        choices=[SelectChoice("none", "No reason"), SelectChoice("late", "Came late"), SelectChoice("pain", "Pain")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@dataclass
class Kit:
    """The objects that the gallery shows."""

    form: SampleForm
    wrong: SampleForm
    patients: list[SamplePatient] = field(default_factory=list)
    owed: Money = field(default_factory=lambda: Money("1190"))


def deceased_patient() -> SamplePatient:
    patient = SamplePatient("Bangura", "Alie", "HMS-000310-4", "Mr", sex="male", date_of_birth=date(1950, 2, 1))
    patient.deceased_on = date(2026, 2, 2)
    patient.allergy_status, patient.allergy_words = "none_known", "No known allergies"
    return patient


def sample_patients() -> list[SamplePatient]:
    return [
        SamplePatient("Kamara", "Kadiatu", "HMS-000482-7", "Mrs", queue_words="In queue: Dr Bah, token 18"),
        SamplePatient("Sesay", "Foday", "HMS-000913-2", sex="male", date_of_birth=date(2018, 9, 3), same_name_count=1),
        SamplePatient("", "Musa", "HMS-000014-1", sex="unknown", date_of_birth=None),
        SamplePatient("Conteh", "Ibrahim", "HMS-000077-1", sex="male", birth_is_estimated=True),
    ]


@pages.get("")
@requires(Permission.PUBLIC)
def kit_page() -> str:
    """The gallery; `?toast=1` adds a toast with Undo, `?dir=rtl` sets the text direction to right to left."""
    filled = SampleForm(formdata=None, given_name="Kadiatu", weight="62", sex="female", role="doctor", reasons=[])
    wrong = SampleForm(formdata=None, prefix="wrong", role="nurse", reasons=[])
    wrong.validate()
    if "toast" in request.args:
        flash_with_undo("KAMARA checked in, token 18", "/dev/kit/undo", token=18)
    direction = {"page_direction": "rtl"} if request.args.get("dir") == "rtl" else {}
    kit = Kit(filled, wrong, sample_patients())
    return render_template("dev/kit.html", kit=kit, deceased=deceased_patient(), **direction)


@pages.get("/people")
@requires(Permission.PUBLIC)
def people() -> Response:
    """Rows for the combobox: the sample patients whose name contains the typed text."""
    typed = request.args.get("q", "").casefold()
    hits = [p for p in sample_patients() if typed in f"{p.family_name} {p.given_name}".casefold()]
    return jsonify([{"value": p.hospital_number, "label": p.given_name, "detail": p.hospital_number} for p in hits])


@pages.get("/rows")
@requires(Permission.PUBLIC)
def rows() -> str:
    """The fragment of the page that refreshes itself; `?more=1` adds one patient."""
    newcomers = [SamplePatient("Turay", "Musa", "HMS-000555-1", sex="male")] if "more" in request.args else []
    return render_template("dev/_kit_rows.html", kit=Kit(SampleForm(), SampleForm(), sample_patients() + newcomers))


@pages.post("/draft")
@requires(Permission.PUBLIC)
def draft() -> Response:
    """Answer like a draft address, without saving anything."""
    return jsonify(saved_at=clock_time(clock.now(), seconds=True))
