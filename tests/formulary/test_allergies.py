"""The allergy check: recorded allergies in many spellings against medicines of the formulary."""

import random
from datetime import date

import pytest

from hms.formulary.medicines import catalogue
from hms.formulary.safety.allergy_check import AllergyEntry, check_allergies, find_substances
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.medicine_facts import Medicine
from hms.patients.models import Allergy

KNOWN = catalogue.load_knowledge()
BY_NAME = {medication.generic_name: medication.facts for medication in catalogue.load_medications()}


def check(medicine, *entries):
    return check_allergies(BY_NAME[medicine], tuple(entries), KNOWN)


def tiers(medicine, *entries):
    return [alert.tier for alert in check(medicine, *entries).alerts]


STOPPED = [
    ("amoxicillin", "amoxicillin"),
    ("Amoxicillin", "amoxicillin"),
    ("AMOXYCILLIN", "amoxicillin"),
    ("amoxicilin", "amoxicillin"),
    ("Amoxil", "amoxicillin"),
    ("Augmentin", "amoxicillin"),
    ("penicillin", "amoxicillin"),
    ("Penicillins", "ampicillin"),
    ("pénicilline", "amoxicillin"),
    ("Pencillin", "cloxacillin"),
    ("penecillin", "flucloxacillin"),
    ("pen", "benzylpenicillin"),
    ("Pen V", "phenoxymethylpenicillin"),
    ("PCN", "amoxicillin + clavulanic acid"),
    ("allergic to penicillin since childhood", "amoxicillin"),
    ("penicillin/sulfa", "amoxicillin"),
    ("penicillin/sulfa", "co-trimoxazole"),
    ("ampicillin", "amoxicillin"),
    ("Ampiclox", "cloxacillin"),
    ("Septrin", "co-trimoxazole"),
    ("Bactrim", "co-trimoxazole"),
    ("Sulfamethoxazole / Trimethoprim", "co-trimoxazole"),
    ("cotrimoxazole", "co-trimoxazole"),
    ("sulfa drugs", "co-trimoxazole"),
    ("Sulphur drugs", "sulfadoxine + pyrimethamine"),
    ("sulphonamides", "silver sulfadiazine"),
    ("Fansidar", "sulfadoxine + pyrimethamine"),
    ("Fansidar", "co-trimoxazole"),
    ("Aspirin", "aspirin"),
    ("ASA", "ibuprofen"),
    ("aspirin", "diclofenac"),
    ("NSAIDs", "ibuprofen"),
    ("Brufen", "naproxen"),
    ("Flagyl", "metronidazole"),
    ("metronidazole", "tinidazole"),
    ("ciprofloxacin", "levofloxacin"),
    ("Rocephin", "ceftriaxone"),
    ("ceftriaxone", "cefuroxime"),
    ("Panadol", "paracetamol"),
    ("acetaminophen", "paracetamol"),
    ("quinine", "quinine"),
    ("Coartem", "artemether + lumefantrine"),
    ("carbamazepine", "phenytoin"),
    ("INH", "rifampicin + isoniazid"),
    ("tetanus vaccine", "tetanus and diphtheria vaccine"),
]


@pytest.mark.parametrize(("recorded", "prescribed"), STOPPED)
def test_a_recorded_allergy_stops(recorded, prescribed):
    result = check(prescribed, AllergyEntry(recorded))
    assert result.outcome == "fired"
    assert result.alerts[0].tier == "stop"
    assert recorded in str(result.alerts[0].message)


CLEAR = [
    ("penicillin", "erythromycin"),
    ("penicillin", "paracetamol"),
    ("penicillamine", "amoxicillin"),
    ("pentazocine tablets and paracetamol", "amoxicillin"),
    ("aspirin", "paracetamol"),
    ("Septrin", "furosemide"),  # said as an info, see below
    ("Tree nut (substance)", "amoxicillin"),
    ("Bee venom (substance)", "amoxicillin"),
    ("House dust mite (organism)", "amoxicillin"),
    ("Eggs (edible) (substance)", "amoxicillin"),
    ("NKDA", "amoxicillin"),
    ("No known drug allergies", "amoxicillin"),
    ("none", "amoxicillin"),
    ("Nil known", "amoxicillin"),
    ("azithromycin", "amoxicillin"),
    ("prednisone", "propranolol"),
    ("chlorpropamide", "chlorpromazine"),
]


@pytest.mark.parametrize(("recorded", "prescribed"), CLEAR)
def test_an_unrelated_allergy_does_not_stop(recorded, prescribed):
    assert "stop" not in tiers(prescribed, AllergyEntry(recorded))


@pytest.mark.parametrize("text", ["NKDA", "none", "Tree nut (substance)", "Latex", "azithromycin"])
def test_a_recognised_unrelated_allergy_is_clear(text):
    assert check("amoxicillin", AllergyEntry(text)).outcome == "clear"


def test_no_allergies_is_clear_but_not_asked_is_not():
    assert check_allergies(BY_NAME["amoxicillin"], (), KNOWN).outcome == "clear"
    unasked = check_allergies(BY_NAME["amoxicillin"], None, KNOWN)
    assert unasked.outcome == "could_not_run"
    assert "Ask" in str(unasked.missing)


@pytest.mark.parametrize(
    "text",
    ["none", "NKDA", "nil", "No known drug allergies", "no allergies", "Denies allergies", "NKA (food, drugs)"],
)
def test_a_denial_is_no_allergy(text):
    assert AllergyEntry(text).is_denial
    assert check("amoxicillin", AllergyEntry(text)).outcome == "clear"


@pytest.mark.parametrize(
    "text",
    [
        "No known allergies except penicillin",
        "no allergy to eggs, only penicillin",
        "none but penicillin",
        "no penicillin!",
    ],
)
def test_an_allergy_inside_a_denial_is_kept(text):
    assert tiers("amoxicillin", AllergyEntry(text)) == ["stop"]


@pytest.mark.parametrize("text", ["not known", "unknown", "not asked", "?", "-", ""])
def test_text_without_a_meaning_is_not_a_denial(text):
    assert check("amoxicillin", AllergyEntry(text)).outcome == "could_not_run"


def test_an_unrecognised_allergy_is_reported():
    result = check("amoxicillin", AllergyEntry("green herbs from Bo"))
    assert result.outcome == "could_not_run"
    assert "green herbs from Bo" in str(result.missing)


def test_an_unrecognised_allergy_does_not_hide_a_known_one():
    result = check("amoxicillin", AllergyEntry("green herbs"), AllergyEntry("penicillin"))
    assert result.outcome == "fired"
    assert "green herbs" in str(result.missing)


def test_an_unrecognised_food_allergy_is_ignored():
    assert check("amoxicillin", AllergyEntry("okra", category="food")).outcome == "clear"


def test_a_medicine_outside_the_formulary_cannot_be_checked():
    result = check_allergies(Medicine("Dr Kallon's mixture"), (AllergyEntry("penicillin"),), KNOWN)
    assert result.outcome == "could_not_run"


CROSS = [
    # recorded, reaction, prescribed, tier
    ("penicillin", "rash", "cefalexin", "caution"),
    ("penicillin", "anaphylaxis", "cefalexin", "stop"),
    ("amoxicillin", "anaphylactic shock", "cefalexin", "stop"),
    ("penicillin", "rash", "ceftriaxone", "caution"),
    ("penicillin", "anaphylaxis", "ceftriaxone", "caution"),
    ("ceftriaxone", "rash", "amoxicillin", "caution"),
    ("Septrin", "rash", "furosemide", "info"),
    ("sulfa", "rash", "hydrochlorothiazide", "info"),
    ("sulfa", "Stevens-Johnson syndrome", "glibenclamide", "info"),
    ("codeine", "itching", "morphine", "caution"),
    ("codeine", "collapse", "morphine", "stop"),
    ("opioids", "", "morphine", "stop"),
    ("quinine", "rash", "artesunate + amodiaquine", "info"),
    ("enalapril", "angioedema", "losartan", None),
    ("enalapril", "angioedema", "lisinopril", "stop"),
]


@pytest.mark.parametrize(("recorded", "reaction", "prescribed", "tier"), CROSS)
def test_cross_reactions_have_their_own_tier(recorded, reaction, prescribed, tier):
    result = tiers(prescribed, AllergyEntry(recorded, reaction=reaction))
    assert result == ([tier] if tier else [])


@pytest.mark.parametrize("severity", ["severe", "Severe", "high"])
def test_a_severe_record_raises_the_tier(severity):
    assert tiers("cefalexin", AllergyEntry("penicillin", severity=severity)) == ["stop"]


def test_a_mild_intolerance_warns_and_a_severe_one_stops():
    assert tiers("erythromycin", AllergyEntry("erythromycin", kind="intolerance", reaction="nausea")) == ["caution"]
    assert tiers("erythromycin", AllergyEntry("erythromycin", kind="intolerance", severity="severe")) == ["stop"]


@pytest.mark.parametrize(
    ("code", "prescribed"),
    [("1191", "aspirin"), ("1191", "ibuprofen"), ("10831", "co-trimoxazole"), ("723", "ampicillin"),
     ("penicillins", "amoxicillin"), ("sulfonamide_antibiotics", "co-trimoxazole")],
)  # fmt: skip
def test_a_code_is_enough(code, prescribed):
    assert tiers(prescribed, AllergyEntry("as coded", code=code)) == ["stop"]


def test_the_message_says_what_was_recorded_and_why_it_matters():
    entry = AllergyEntry("Penicillin", reaction="anaphylaxis", year=2019)
    alert = check("amoxicillin", entry).alerts[0]
    assert str(alert.message) == (
        "Allergy recorded: Penicillin – anaphylaxis (2019). amoxicillin is from the same group: penicillin."
    )
    assert alert.substances == ("amoxicillin",)


def test_two_records_give_two_alerts_and_the_same_twice_one():
    assert tiers("amoxicillin", AllergyEntry("penicillin"), AllergyEntry("Augmentin")) == ["stop", "stop"]
    assert tiers("amoxicillin", AllergyEntry("penicillin"), AllergyEntry("penicillin")) == ["stop"]


@pytest.mark.parametrize("medicine", sorted(BY_NAME))
def test_every_medicine_is_stopped_by_an_allergy_to_any_of_its_ingredients(medicine):
    for ingredient in BY_NAME[medicine].ingredients:
        assert "stop" in tiers(medicine, AllergyEntry(ingredient.upper()))


@pytest.mark.parametrize("substance", KNOWN.substances, ids=lambda substance: substance.name)
def test_every_alias_and_code_finds_its_substance(substance):
    for alias in substance.aliases:
        assert substance.name in find_substances(f"Rash after {alias}!", KNOWN)
    for code in substance.rxnorm:
        assert substance.name in find_substances("", KNOWN, code)


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Acetaminophen 325 MG Oral Tablet [Tylenol]", ("paracetamol",)),
        ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", ("amoxicillin", "clavulanic acid")),
        ("Penicillin V Potassium 500 MG Oral Tablet", ("phenoxymethylpenicillin",)),
        ("Meperidine Hydrochloride 50 MG Oral Tablet", ("pethidine",)),
        ("Hydrochlorothiazide 25 MG Oral Tablet", ("hydrochlorothiazide",)),
        ("Xyzzymab 50 MG Injection", ()),
    ],
)
def test_ingredients_are_found_in_free_text(text, ingredients):
    assert medicine_from_text(text, KNOWN).ingredients == ingredients


@pytest.mark.parametrize(
    "text", ["antimalarials", "diuretics", "amodiaquine and other antimalarials", "Penicillin, antifungals", "vaccines"]
)
def test_a_family_that_no_list_has_could_not_be_checked(text):
    result = check_allergies(BY_NAME["furosemide"], (AllergyEntry(text),), KNOWN)
    assert (result.outcome, result.needs_reason) == ("could_not_run", True)
    assert text in str(result.missing)


@pytest.mark.parametrize("text", ["thiazide diuretics", "Opioids", "penicillin antibiotics", "beta blockers"])
def test_a_family_of_the_lists_is_checked(text):
    result = check_allergies(BY_NAME["paracetamol"], (AllergyEntry(text),), KNOWN)
    assert (result.outcome, result.missing) == ("clear", None)


def test_a_stored_allergy_is_read_with_its_code_class_and_severity():
    stored = Allergy(substance="as told by the mother", code="", class_code="penicillins", category="medication",
                     reaction="rash", severity="severe", recorded_on=date(2019, 4, 2))  # fmt: skip
    entry = AllergyEntry.from_record(stored)
    assert tiers("cefalexin", entry) == ["stop"]
    message = str(check("amoxicillin", entry).alerts[0].message)
    assert message.startswith("Allergy recorded: as told by the mother – rash (2019).")


def test_a_free_text_medicine_is_compared_by_its_known_ingredients_and_says_so():
    medicine = medicine_from_text("Amoxicillin 500 MG with foozacillin", KNOWN)
    assert check_allergies(medicine, (AllergyEntry("penicillin"),), KNOWN).alerts[0].tier == "stop"
    unrelated = check_allergies(medicine, (AllergyEntry("aspirin"),), KNOWN)
    assert unrelated.outcome == "could_not_run"
    assert "Only amoxicillin was checked" in str(unrelated.missing)


def test_nonsense_records_never_raise():
    chance = random.Random(7)
    letters = "aeiou penicl\u0000½é﷽𝟓\u202e\ud800/();'\"%\n"
    for _ in range(500):
        text = "".join(chance.choices(letters, k=chance.randint(0, 60)))
        result = check("amoxicillin", AllergyEntry(text, code=text[:8], severity=text[:5], reaction=text))
        assert result.outcome in ("fired", "clear", "could_not_run")
    assert check("amoxicillin", AllergyEntry("penicillin " * 5000)).outcome == "fired"


@pytest.mark.parametrize("medication", [m for m in catalogue.load_medications() if m.brand_name], ids=lambda m: m.key)
def test_a_brand_of_the_formulary_names_all_its_ingredients(medication):
    assert set(medication.facts.ingredients) <= find_substances(medication.brand_name, KNOWN)
