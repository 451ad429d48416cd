"""Rules of drafts, signatures, addenda and diagnoses; year of birth against the wrong patient."""

import pytest

from hms.clinical.encounters.rules import (
    AMENDED,
    DRAFT,
    SIGNED,
    STATES,
    WITHDRAWN,
    Diagnosis,
    check_addendum,
    check_birth_year,
    check_can_edit,
    check_can_sign,
    check_diagnoses,
    missing_for_signature,
    must_retype_birth_year,
)
from hms.core.errors import RuleBroken

MALARIA = Diagnosis("Unspecified malaria", "B54", "confirmed", is_primary=True)
BODY_PAIN = Diagnosis("body pain")


def test_only_the_author_edits_and_only_a_draft():
    assert check_can_edit(DRAFT, is_author=True) is None
    with pytest.raises(RuleBroken, match="opened this encounter"):
        check_can_edit(DRAFT, is_author=False)


@pytest.mark.parametrize("state", [SIGNED, AMENDED])
@pytest.mark.parametrize("is_author", [True, False])
def test_a_signed_encounter_cannot_be_changed(state, is_author):
    with pytest.raises(RuleBroken, match="addendum") as refusal:
        check_can_edit(state, is_author=is_author)
    assert refusal.value.code == "signed"


def sign(**changed):
    values = {"state": DRAFT, "is_author": True, "notes": "Fever for 3 days.", "diagnoses": [MALARIA]} | changed
    check_can_sign(values.pop("state"), **values)


def test_a_note_with_a_diagnosis_can_be_signed():
    assert sign() is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"state": SIGNED}, None),
        ({"state": AMENDED}, None),
        ({"is_author": False}, None),
        ({"notes": " \n", "diagnoses": []}, "notes"),
        ({"diagnoses": []}, "no_diagnosis_reason"),
        ({"diagnoses": [], "no_diagnosis_reason": "  "}, "no_diagnosis_reason"),
        ({"unanswered_stops": 1}, "override_reason"),
        ({"diagnoses": [MALARIA, MALARIA]}, "diagnoses"),
    ],
)
def test_reasons_why_signing_is_refused(changed, field):
    with pytest.raises(RuleBroken) as refusal:
        sign(**changed)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "changed",
    [{"diagnoses": [], "no_diagnosis_reason": "waiting for the film"}, {"notes": ""}, {"diagnoses": [BODY_PAIN]}],
)
def test_remarks_that_do_not_prevent_signing(changed):
    assert sign(**changed) is None


def test_the_checklist_has_missing_items_and_marks_those_that_block():
    assert missing_for_signature(notes="n", diagnoses=[MALARIA]) == []
    missing = missing_for_signature(notes="", diagnoses=[BODY_PAIN], unanswered_stops=2)
    assert [(missing.field, missing.blocks) for missing in missing] == [
        ("override_reason", True),
        ("diagnoses", False),
        ("notes", False),
    ]


@pytest.mark.parametrize(
    "diagnoses",
    [
        [Diagnosis("", "")],
        [Diagnosis("   ")],
        [Diagnosis("x", "B54", "certain")],
        [Diagnosis("x" * 256)],
        [Diagnosis("bad\u0000text")],
        [Diagnosis("Malaria", "B54"), Diagnosis("malaria again", "B54")],
        [Diagnosis("Body pain"), Diagnosis("body pain ")],
        [Diagnosis("a", is_primary=True), Diagnosis("b", is_primary=True)],
        [Diagnosis(str(number)) for number in range(21)],
    ],
)
def test_wrong_diagnoses_are_refused(diagnoses):
    with pytest.raises(RuleBroken) as refusal:
        check_diagnoses(diagnoses)
    assert refusal.value.field == "diagnoses"


def test_coded_and_uncoded_diagnoses_are_accepted_together():
    assert check_diagnoses([MALARIA, BODY_PAIN]) is None
    assert check_diagnoses([]) is None
    assert (MALARIA.is_coded, BODY_PAIN.is_coded) == (True, False)


@pytest.mark.parametrize("unsaved", [True, False])
@pytest.mark.parametrize("same_name", [True, False])
def test_the_year_of_birth_is_asked_for_only_at_risk(unsaved, same_name):
    result = must_retype_birth_year(has_other_unsaved_encounter=unsaved, has_same_name_in_queue=same_name)
    assert result is (unsaved or same_name)


@pytest.mark.parametrize(("typed", "year"), [("1991", 1991), (" 1991 ", 1991), ("", None), ("2000", None)])
def test_the_right_year_passes(typed, year):
    assert check_birth_year(typed, year) is None


@pytest.mark.parametrize("typed", ["", "1990", "91", "abcd", "１９９１"])
def test_a_wrong_year_is_refused(typed):
    with pytest.raises(RuleBroken) as refusal:
        check_birth_year(typed, 1991)
    assert refusal.value.field == "birth_year"
    assert str(refusal.value).startswith("This is not" if typed else "Enter the year of birth")


@pytest.mark.parametrize("state", [SIGNED, AMENDED])
def test_an_addendum_is_added_to_a_signed_encounter(state):
    assert check_addendum(state, "  Film positive.\r\nStarted treatment. ") == "Film positive.\nStarted treatment."


@pytest.mark.parametrize(
    ("state", "text"), [(DRAFT, "text"), (SIGNED, ""), (SIGNED, "  "), (SIGNED, "x" * 20_001), (SIGNED, "a\u0007b")]
)
def test_an_empty_addendum_is_refused(state, text):
    with pytest.raises(RuleBroken) as refusal:
        check_addendum(state, text)
    assert refusal.value.field == "addendum"


def test_each_state_has_a_label_and_fhir_codes():
    assert {state: codes[1:] for state, codes in STATES.items()} == {
        "in_progress": ("in-progress", "preliminary"),
        "signed": ("finished", "final"),
        "amended": ("finished", "amended"),
        "entered_in_error": ("entered-in-error", "entered-in-error"),
    }


def test_a_withdrawn_encounter_refuses_every_change():
    with pytest.raises(RuleBroken, match="entered in error"):
        check_can_edit(WITHDRAWN, is_author=True)
    with pytest.raises(RuleBroken, match="entered in error"):
        sign(state=WITHDRAWN)
    with pytest.raises(RuleBroken, match="entered in error"):
        check_addendum(WITHDRAWN, "Film positive.")
