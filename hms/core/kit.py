"""The kit page: every macro in its normal, error and empty states. Served in development and tests only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace

from flask import render_template
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
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from hms.core.money import Money


@dataclass
class SamplePatient:
    """A patient as the macros see one."""

    family_name: str
    given_name: str
    hospital_number: str
    title: str = ""
    date_of_birth: date | None = date(1991, 3, 13)
    birth_is_estimated: bool = False
    sex: str = "female"
    allergy_words: str = "Known allergies"
    deceased_on: date | None = None
    same_name_count: int = 0
    queue_words: str = ""


class SampleForm(FlaskForm):
    """One field of each kind."""

    given_name = StringField("Given names", [InputRequired("Enter the given names.")])
    family_name = StringField("Family name", [InputRequired("Enter the family name.")])
    sex = RadioField(
        "Sex",
        [InputRequired("Choose the sex.")],
        choices=[("female", "Female"), ("male", "Male"), ("other", "Other"), ("unknown", "Not known")],
    )
    born = StringField("Date of birth", [InputRequired("Enter a date of birth or an age.")])
    weight = StringField("Weight")
    fee = StringField("Fee")
    role = SelectField("Role", choices=[("nurse", "Nurse"), ("doctor", "Doctor")])
    note = TextAreaField("Note")
    consent = BooleanField("Counselling given")
    password = PasswordField("Password")
    patient = StringField("Patient")
    patient_id = HiddenField()
    reasons = SelectMultipleField(
        "Reasons",
        choices=[("none", "None"), ("late", "Came late"), ("pain", "Pain")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@dataclass
class Kit:
    """Everything the kit page shows."""

    form: SampleForm
    wrong: SampleForm
    patients: list[SamplePatient] = field(default_factory=list)
    owed: Money = field(default_factory=lambda: Money("1190"))


def sample_patients() -> list[SamplePatient]:
    return [
        SamplePatient("Kamara", "Kadiatu", "HMS-000482-7", "Mrs", queue_words="In queue: Dr Bah, token 18"),
        SamplePatient("Sesay", "Foday", "HMS-000913-2", sex="male", date_of_birth=date(2018, 9, 3), same_name_count=1),
        SamplePatient("", "Musa", "HMS-000014-1", sex="unknown", date_of_birth=None),
        SamplePatient("Conteh", "Ibrahim", "HMS-000077-1", sex="male", birth_is_estimated=True),
    ]


def kit_page() -> str:
    """The page itself; `core.web` mounts it at /dev/kit where the application is in debug or in tests."""
    filled = SampleForm(formdata=None, given_name="Kadiatu", weight="62", patient="kad", sex="female", role="doctor")
    wrong = SampleForm(formdata=None, prefix="wrong", role="nurse", reasons=[])
    wrong.validate()
    deceased = SamplePatient(
        "Bangura",
        "Alie",
        "HMS-000310-4",
        "Mr",
        sex="male",
        date_of_birth=date(1950, 2, 1),
        deceased_on=date(2026, 2, 2),
        allergy_words="No known allergies",
    )
    return render_template(
        "dev/kit.html",
        kit=Kit(filled, wrong, sample_patients()),
        deceased=deceased,
        slots=[SimpleNamespace(time="09:40", kind="seen", name="CONTEH, Ibrahim", word="seen")],
    )
