"""Doses typed in short form are parsed exactly or refused with a message, never guessed."""

import random
from decimal import Decimal
from pathlib import Path

import pytest

from hms.core.errors import RuleBroken
from hms.formulary.dosing.doses import format_dose
from hms.formulary.dosing.instructions import join_instructions, split_instructions
from hms.formulary.dosing.shorthand import parse_shorthand

UNDERSTOOD = [
    ("500mg tds 5/7 po", "500 mg — oral — three times a day — 5 days"),
    ("po 5/7 tds 500mg", "500 mg — oral — three times a day — 5 days"),
    ("500 MG TDS 5/7 PO", "500 mg — oral — three times a day — 5 days"),
    ("500\u00a0mg  tds\t5/7 po", "500 mg — oral — three times a day — 5 days"),
    ("500mg t.d.s. 5/7 p.o.", "500 mg — oral — three times a day — 5 days"),
    ("500 mg tds x 5/7 po", "500 mg — oral — three times a day — 5 days"),
    ("500 mg tds x5/7 po", "500 mg — oral — three times a day — 5 days"),
    ("500 mg 3 × daily for 5 days orally", "500 mg — oral — three times a day — 5 days"),
    ("1g qds prn max 4 g 5/7 po", "1 g — oral — four times a day when required, max 4 g in 24 hours — 5 days"),
    ("1g prn max 4 po", "1 g — oral — when required, max 4 g in 24 hours"),
    ("500mg prn max 4 po", "500 mg — oral — when required, max 2,000 mg in 24 hours"),
    ("500mg prn max 4g in 24 hours po", "500 mg — oral — when required, max 4,000 mg in 24 hours"),
    ("1 g prn max 4000 mg/24h po", "1 g — oral — when required, max 4 g in 24 hours"),
    ("2 tabs bd 3/7 po", "2 tablets — oral — twice a day — 3 days"),
    ("1 tab od 1/7 po", "1 tablet — oral — once a day — 1 day"),
    ("half a tablet nocte 2/52 po", "half a tablet — oral — at night — 2 weeks"),
    ("1/2 tab od po", "half a tablet — oral — once a day"),
    ("1.5 tabs od po", "1.5 tablets — oral — once a day"),
    ("2,5 ml bd po", "2.5 mL — oral — twice a day"),
    (".5 mg od po", "0.5 mg — oral — once a day"),
    ("1.0 mg od po", "1 mg — oral — once a day"),
    ("10 iu bd s/c", "10 units — subcutaneous — twice a day"),
    ("5000 units bd sc", "5,000 units — subcutaneous — twice a day"),
    ("50 µg mane po", "50 micrograms — oral — in the morning"),
    ("50 μg mane po", "50 micrograms — oral — in the morning"),
    ("50mcg mane po", "50 micrograms — oral — in the morning"),
    ("5 cc tds po", "5 mL — oral — three times a day"),
    ("10 mg stat iv", "10 mg — intravenous — one dose now"),
    ("1 g q6h iv 1/12", "1 g — intravenous — every 6 hours — 30 days"),
    ("1 g 8 hourly iv", "1 g — intravenous — every 8 hours"),
    ("1 g 12hrly iv 7d", "1 g — intravenous — every 12 hours — 7 days"),
    ("4 tablets twice a day for 3 days by mouth", "4 tablets — oral — twice a day — 3 days"),
    ("25 mg od nocte po", "25 mg — oral — at night"),
    ("1 drop qds into the eye 7/7", "1 drop — into the eye — four times a day — 7 days"),
    ("2 puffs prn inh", "2 puffs — inhaled — when required"),
    ("1 supp stat pr", "1 suppository — rectal — one dose now"),
    ("1 pessary nocte pv 6/7", "1 pessary — vaginal — at night — 6 days"),
    ("70 mg weekly po 4/52", "70 mg — oral — once a week — 4 weeks"),
    ("5 mg alternate days po 28 days", "5 mg — oral — every second day — 4 weeks"),
    ("take 1 capsule bid po", "1 capsule — oral — twice a day"),
    ("0,125 mg od po", "0.125 mg — oral — once a day"),
    ("½ tab od po", "half a tablet — oral — once a day"),
    ("2½ tablets bd po", "2.5 tablets — oral — twice a day"),
    ("2 1/2 tabs tds po", "2.5 tablets — oral — three times a day"),
    ("¼ tab nocte po", "0.25 tablets — oral — at night"),
    ("two and a half tablets od po", "2.5 tablets — oral — once a day"),
    ("10 mg 1-0-1 po", "10 mg — oral — twice a day"),
    ("500 mg 1 - 1 - 1 - 1 po", "500 mg — oral — four times a day"),
    ("500 mg 1+1+1 po 5/7", "500 mg — oral — three times a day — 5 days"),
    ("500 mg 0-0-1 po", "500 mg — oral — at night"),
    ("2-0-2 tablets po x 5 days", "2 tablets — oral — twice a day — 5 days"),
    ("½-0-½ tab po", "half a tablet — oral — twice a day"),
    ("10 mg × 5 po", "10 mg — oral — five times a day"),
    ("5 mg x6 daily po", "5 mg — oral — six times a day"),
    ("1 tab 3x/day po", "1 tablet — oral — three times a day"),
    ("500 mg q8 po", "500 mg — oral — every 8 hours"),
    ("500 mg 12-hourly po", "500 mg — oral — every 12 hours"),
    ("2 mg every 2 hrs po", "2 mg — oral — every 2 hours"),
    ("500 mg thrice daily po", "500 mg — oral — three times a day"),
    ("500 mg x 3 days bd po", "500 mg — oral — twice a day — 3 days"),
]


@pytest.mark.parametrize(("typed", "words"), UNDERSTOOD)
def test_shorthand_is_echoed_in_words(typed, words):
    assert format_dose(parse_shorthand(typed)).replace("\u00a0", " ") == words


REFUSED = [
    ("", "Enter the dose"),
    ("   ", "Enter the dose"),
    ("x", "Enter the frequency"),
    ("tds", "amount with its unit"),
    ("500 tds po", "amount with its unit"),
    ("500mg tds", "Add the route"),
    ("500mg po", "Enter the frequency"),
    ("500mg once po", "single dose or once a day"),
    ("5mg qd po", "write “od”"),
    ("5mg qod po", "alternate days"),
    ("5mg hs po", "nocte"),
    ("10u bd sc", "write “units”"),
    ("10 u bd sc", "write “units”"),
    ("1,000 mg od po", "without commas"),
    ("1.000 mg od po", "without commas"),
    ("1.2.3 mg od po", "not a clear number"),
    ("99999999999mg od po", "not a clear number"),
    ("0 mg od po", "above zero"),
    ("5000000 mg od po", "at most 1,000,000"),
    ("500mg tds bd po", "two frequencies"),
    ("500mg 250mg tds po", "two amounts"),
    ("500mg tds 5/7 2/52 po", "two durations"),
    ("500mg tds po iv", "two routes"),
    ("500mg prn max 1g max 2g po", "two maximum"),
    ("1g prn max 500mg po", "less than one dose"),
    ("1g prn max 4 tablets po", "unit of the dose"),
    ("500mg tds 5/8 po", "5/8"),
    ("500mg tds 0/7 po", "between 1 and 366"),
    ("500mg tds 999/7 po", "between 1 and 366"),
    ("500mg tds 53/52 po", "between 1 and 366"),
    ("1-2 tablets tds po", "range"),
    ("-5 mg od po", "not understood"),
    ("500mg/5ml tds po", "amount with its unit"),
    ("5 mg/kg od po", "amount with its unit"),
    ("⅓ tab od po", "letters, digits"),
    ("-1 tablet od po", "not understood"),
    ("2-0-1 tablets po", "one line for each amount"),
    ("0-0-0 tablets po", "one line for each amount"),
    ("500 mg 2-0-2 po", "only once"),
    ("500 mg bd x 5 po", "two frequencies"),
    ("500 mg x 7 po", "Enter the frequency"),
    ("10² mg od po", "letters, digits"),
    ("٥ mg od po", "letters, digits"),
    ("500mg tds po; drop table", "letters, digits"),
    ("500mg tds po with milk", "“with” is not understood"),
    ("amoxicillin 500mg tds po", "“amoxicillin” is not understood"),
    ("300mg q5h po", "Enter the frequency"),
    ("1e5 mg od po", "amount with its unit"),
    ("3 x 500mg tds po", "“3” is not understood"),
    ("2 tabs prn max 8 po", "maximum with its unit"),
    ("1 tab bd pc po", "“pc” under Instructions"),
    ("1 tab bd 3/7 then 1 tab od po", "two frequencies"),
    ("1 tab od then stop po", "each step"),
    ("500mg tds po " * 20, "120 characters"),
]


@pytest.mark.parametrize(("typed", "message"), REFUSED)
def test_unclear_text_is_refused_with_advice(typed, message):
    with pytest.raises(RuleBroken, match=".") as refusal:
        parse_shorthand(typed)
    assert message in str(refusal.value)
    assert refusal.value.field == "dose"


ROOT = Path(__file__).resolve().parents[2]


def _read(typed: str) -> str:
    """The dose in words without its route, which belongs to the medicine, and the instructions; "refused" when it is not
    read."""
    typed, instructions = split_instructions(typed)
    try:
        dose = parse_shorthand(typed, default_route="oral", default_unit="tablet")
    except RuleBroken:
        return "refused"
    amount, _route, *more = format_dose(dose).replace("\u00a0", " ").split(" — ")
    return " — ".join([amount, *more]) + (f" ({instructions})" if instructions else "")


def test_lines_as_doctors_write_them_are_read_as_docs_say():
    """Each line of the collection is read as it is meant, or refused; `docs/doses.md` tells how many."""
    lines = (ROOT / "tests/cases/typed_doses.tsv").read_text(encoding="utf-8").splitlines()
    meant = dict(line.split("\t") for line in lines)
    assert {typed: _read(typed) for typed in meant} == meant
    refused = list(meant.values()).count("refused")
    assert f"Of {len(meant)} lines {refused} are refused" in (ROOT / "docs/doses.md").read_text(encoding="utf-8")


def test_entered_instructions_are_kept_and_nothing_stands_twice():
    assert join_instructions("With a glass of water", "after food") == "With a glass of water, after food"
    assert join_instructions("After food, chewed", "after food, left eye") == "After food, chewed, left eye"
    assert join_instructions(" ", "") == ""


def test_route_and_unit_default_to_those_of_the_medicine():
    dose = parse_shorthand("2 bd 3/7", default_route="oral", default_unit="tablet")
    assert (dose.amount, dose.unit, dose.route, dose.days) == (Decimal(2), "tablet", "oral", 3)


def test_a_typed_route_wins_over_the_medicines_own():
    assert parse_shorthand("1 tab stat pv", default_route="oral").route == "vaginal"


def test_an_unknown_default_route_is_refused_not_stored():
    with pytest.raises(RuleBroken):
        parse_shorthand("1 tab stat", default_route="somewhere")


PIECES = ["500", "mg", "g", "5/7", "tds", "po", "1,", ".5", "/", "-", "max", "prn", "0", "\x00", "½", "é", "﷽", "𝟓"]
PIECES += ["iu", "x", "q6h", "2/52", "tab", "9999999999", "%", "\n", "\u202e", "half", "mL", "NaN", "1e9", "\ud800"]


def test_nonsense_is_refused_with_a_message():
    chance = random.Random(4)
    understood, refused = [], []
    for _ in range(5000):
        typed = chance.choice(["", " "]).join(chance.choices(PIECES, k=chance.randint(0, 8)))
        try:
            understood.append(parse_shorthand(typed, default_route=chance.choice(["", "oral"]), default_unit="tablet"))
        except RuleBroken as refusal:
            refused.append(refusal.field)
    assert set(refused) == {"dose"}
    assert understood
    assert all(0 < dose.amount <= 1_000_000 for dose in understood)


@pytest.mark.parametrize("forbidden", ["µg", " IU", "QD", " od ", " tds ", "cc", ".0 "])
def test_no_forbidden_abbreviation_is_written(forbidden):
    for _typed, words in UNDERSTOOD:
        assert forbidden not in words
