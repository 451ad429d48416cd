"""The A4 form of a consent, to be signed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hms.core import clock
from hms.core.documents.pdf import render_pdf, sample_paper


def render_form(patient: Any, text: Any, hospital: dict[str, str]) -> bytes:
    """The PDF with the text, the patient's name and lines to sign; in the language of the text where words are typed."""
    values = {"patient": patient, "text": text, "place": hospital, "printed_at": clock.now()}
    return render_pdf("patients/consent.pdf.html", **values)


@sample_paper
def render_sample() -> bytes:
    """The form of a made-up patient."""
    patient = SimpleNamespace(
        spoken_name="Sample",
        hospital_number="HMS-000000-0",
        date_of_birth=None,
        birth_is_estimated=False,
        sex="unknown",
    )
    text = SimpleNamespace(title="Sample", body="Sample", number=1, language="en")
    return render_form(patient, text, {"name": "Sample", "address": "Sample", "phone": "0"})
