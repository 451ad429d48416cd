"""Registers the patients of the demo over the past months."""

from __future__ import annotations

from datetime import date, time, timedelta
from random import Random

from hms.core import clock
from hms.core.person import SYSTEM
from hms.patients.allergies import actions as allergy_actions
from hms.patients.models import Patient
from hms.patients.registration import actions as registration_actions

from .people import ALLERGIES, FAMILY_NAMES, GIVEN_FEMALE, GIVEN_MALE, OCCUPATIONS, STREETS, UNUSUAL

COUNT = 300
FIRST_DAYS_AGO = 110
OPENING = time(9)


def register_patients(random: Random, count: int = COUNT) -> list[int]:
    """Register `count` patients at past times; returns their ids."""
    ids = []
    for number in range(count):
        ago = timedelta(days=FIRST_DAYS_AGO * (count - number) // count, hours=random.randint(0, 6))
        with clock.frozen_at(clock.at(clock.today(), OPENING) - ago):
            ids.append(_register(random, number).id)
    return ids


def _register(random: Random, number: int) -> Patient:
    sex, given_names, family_name = (
        UNUSUAL[number // 37] if number % 37 == 5 and number // 37 < len(UNUSUAL) else _name(random)
    )
    born, is_estimated = _birth(random)
    patient = registration_actions.register_patient(
        given_names=given_names,
        family_name=family_name,
        sex=sex,
        birth_date=born,
        birth_is_estimated=is_estimated,
        phone=_phone(random),
        address=f"{random.randint(1, 90)} {random.choice(STREETS)}, Freetown",
        occupation=random.choice(OCCUPATIONS),
        allergies=() if random.random() < 0.6 else None,
        by=SYSTEM,
    )
    if random.random() < 0.12:
        substance, reaction, severity = random.choice(ALLERGIES)
        allergy_actions.record_allergy(patient.id, substance=substance, reaction=reaction, severity=severity, by=SYSTEM)
    return patient


def _name(random: Random) -> tuple[str, str, str]:
    sex = random.choice(("female", "male"))
    given_names = random.choice(GIVEN_FEMALE if sex == "female" else GIVEN_MALE)
    if random.random() < 0.2:
        given_names += " " + random.choice(GIVEN_FEMALE if sex == "female" else GIVEN_MALE)
    return sex, given_names, random.choice(FAMILY_NAMES)


def _birth(random: Random) -> tuple[date, bool]:
    """A date of birth, and whether only its year is known (one in eight). A quarter are younger than six."""
    days = random.choice(
        (random.randint(10, 2190), random.randint(2190, 9000), random.randint(9000, 24000), random.randint(6570, 16000))
    )
    born = clock.today() - timedelta(days=days)
    return (date(born.year, 7, 1), True) if random.random() < 0.12 and born.year < clock.today().year else (born, False)


def _phone(random: Random) -> str:
    return (
        ""
        if random.random() < 0.08
        else f"0{random.choice((76, 77, 78, 79, 30, 33, 88))}{random.randint(100000, 999999)}"
    )
