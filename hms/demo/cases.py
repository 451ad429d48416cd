"""Sample visits (complaint, note, ICD-10 diagnosis, medicines, tests), services, suppliers and a note template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Test = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Case:
    """One kind of visit.

    `medicines` are generic names. `fever` raises the recorded temperature; `pressure` is the systolic blood pressure in mmHg.
    `tests` are laboratory codes, each with possible results.
    """

    complaint: str
    note: str
    code: str
    medicines: tuple[str, ...]
    fever: bool = False
    pressure: int = 120
    for_children: bool = True
    tests: tuple[Test, ...] = ()


CASES = (
    Case(
        "Fever and chills for three days",
        "Looks tired, no neck stiffness. Rapid malaria test positive. Drinks well.",
        "B54",
        ("artemether", "paracetamol"),
        fever=True,
        tests=(("MPS", ("+", "++", "+++")),),
    ),
    Case(
        "Cough and runny nose",
        "Throat red, chest clear, no difficulty breathing. Advised fluids and rest.",
        "J06.9",
        ("paracetamol",),
        fever=True,
    ),
    Case(
        "Review of blood pressure",
        "Feels well, takes tablets every day. No headache, no swelling of the legs.",
        "I10",
        ("amlodipine", "hydrochlorothiazide"),
        pressure=158,
        for_children=False,
    ),
    Case(
        "Review of diabetes",
        "No low-sugar spells. Feet inspected, no ulcer. Advised on diet and walking.",
        "E11.9",
        ("metformin",),
        pressure=134,
        for_children=False,
        tests=(("GLUR", ("7.9", "9.4", "11.8", "14.2")), ("HBA1C", ("6.9", "7.8", "9.1"))),
    ),
    Case(
        "Loose stools since yesterday",
        "Four watery stools, no blood. Skin turgor normal, drinks eagerly.",
        "A09.9",
        ("oral rehydration salts", "zinc"),
    ),
    Case(
        "Burning when passing urine",
        "No flank pain. Dipstick shows leucocytes and nitrite.",
        "N39.0",
        ("ciprofloxacin",),
        for_children=False,
        tests=(("URMIC", ("Pus cells 15–20 per field, no casts.", "Pus cells 30 per field, bacteria ++.")),),
    ),
    Case(
        "Low back pain after lifting",
        "No weakness, no numbness. Moves freely.",
        "M54.5",
        ("ibuprofen",),
        for_children=False,
    ),
    Case(
        "Boil on the leg",
        "Warm, tender swelling of 3 cm, no spreading redness. Incised and drained, dressing daily.",
        "L02.4",
        ("cloxacillin", "paracetamol"),
        fever=True,
    ),
    Case(
        "Tired and pale",
        "Conjunctivae pale, no jaundice, spleen not felt.",
        "D50.9",
        ("ferrous",),
        for_children=False,
        tests=(("HB", ("6.4", "7.9", "8.8", "9.6")), ("SICK", ("Negative",))),
    ),
    Case(
        "Wheeze at night",
        "Scattered wheeze, speaks in full sentences. Inhaler technique shown.",
        "J45.9",
        ("salbutamol",),
    ),
)

SERVICES = (
    ("CONS-OPD", "Consultation, outpatients", "Consultation", "150.00"),
    ("CONS-PAED", "Consultation, paediatrics", "Consultation", "120.00"),
    ("CONS-ANC", "Antenatal visit", "Consultation", "80.00"),
    ("CARD", "Patient card", "Patient card", "10.00"),
    ("DRESS-S", "Dressing, small", "Nursing procedure", "25.00"),
    ("DRESS-L", "Dressing, large", "Nursing procedure", "45.00"),
    ("INJ", "Injection, giving", "Nursing procedure", "15.00"),
    ("SUT", "Suturing", "Minor procedure", "90.00"),
    ("INC", "Incision and drainage", "Minor procedure", "140.00"),
    ("US-ABD", "Ultrasound, abdomen", "Imaging", "220.00"),
    ("XR-CHEST", "X-ray, chest", "Imaging", "180.00"),
)

SUPPLIERS = ("Central Medical Stores", "Freetown Pharma Wholesale", "Guma Valley Medical")


class NoteTemplateText(NamedTuple):
    """A note template or an order set."""

    title: str
    content: str


TEMPLATE = NoteTemplateText(
    "Hypertension clinic",
    "Takes tablets: every day / misses some\nHeadache, swelling, breathlessness:\nPressure at home:\nAdvice given:",
)
ORDER_SET = NoteTemplateText(
    "Uncomplicated malaria", "artemether + lumefantrine 20 mg/120 mg tablet\nparacetamol 500 mg tablet"
)
