"""People of Sierra Leone and its neighbours for tests, family names as unevenly shared as they are in life; seeded."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

from hms.patients.search.match_scoring import ComparedPerson

FAMILIES = {
    "Kamara": 12, "Sesay": 10, "Koroma": 9, "Conteh": 7, "Bangura": 7, "Kargbo": 6, "Turay": 5, "Mansaray": 5,
    "Jalloh": 5, "Bah": 4, "Barrie": 3, "Kanu": 3, "Fofanah": 3, "Kallon": 2, "Bockarie": 2, "Sankoh": 2,
    "Lansana": 2, "Massaquoi": 2, "Johnson": 2, "Cole": 2, "Williams": 2, "Diallo": 2, "Keita": 1, "Touré": 1,
    "Traoré": 1, "Okafor": 1, "Mensah": 1, "Gbla": 1, "Tommy": 1, "Samura": 1, "Dumbuya": 1, "Thullah": 1,
    "Sillah": 1, "Wurie": 1, "N'Diaye": 1, "Macauley": 1,
}  # fmt: skip
MEN = [
    "Mohamed", "Ibrahim", "Abdul", "Alhassan", "Alusine", "Foday", "Musa", "Sorie", "Abu", "Alie", "Lamin",
    "Mustapha", "Osman", "Amadu", "Saidu", "Abubakarr", "Hassan", "Hussein", "Santigie", "Brima", "Sahr",
    "Tamba", "Komba", "Joseph", "John", "Emmanuel", "Samuel", "David", "Momodu", "Ishmael", "Unisa",
    "Idrissa", "Kofi", "Chinedu",
]  # fmt: skip
WOMEN = [
    "Fatmata", "Mariama", "Isatu", "Aminata", "Kadiatu", "Hawa", "Adama", "Zainab", "Mabinty", "Isha",
    "Memunatu", "Ramatu", "Sia", "Kumba", "Finda", "Yeabu", "Hannah", "Mary", "Elizabeth", "Jeneba",
    "Salamatu", "Haja", "Mariatu", "Tenneh", "Baby", "Rugiatu", "Umu", "Neneh", "Safiatu", "Marie", "Esther",
    "Ngozi", "Ama", "Sento",
]  # fmt: skip
MIDDLE = [
    "Lamin", "Bai", "Pa", "Alpha", "Sheku", "Kadie", "Bintu", "Marie", "Tejan", "Saio", "Kabba", "Musu",
    "Ann", "Moses",
]  # fmt: skip
STREETS = [
    "Hill Rd", "Kissy Rd", "Main St", "Circular Rd", "Wilkinson Rd", "Lumley Beach Rd", "Bai Bureh Rd",
    "Station Rd", "Old Lagoonda",
]  # fmt: skip
SLIPS = (
    ("ou", "u"), ("oo", "u"), ("a", "e"), ("e", "a"), ("i", "e"), ("y", "ie"), ("h", ""), ("ll", "l"), ("s", "ss"),
    ("m", "mm"), ("nt", "n"), ("k", "c"), ("o", "oh"), ("tu", "to"), ("ie", "y"), ("u", "oo"),
)  # fmt: skip


def somebody(dice: random.Random) -> ComparedPerson:
    """One person; a fifth know only about how old they are, a seventh have no phone."""
    sex = dice.choice(["male", "female"])
    given = dice.choice(MEN if sex == "male" else WOMEN)
    if dice.random() < 0.2:
        given += " " + dice.choice(MIDDLE)
    is_estimated = dice.random() < 0.2
    year = 2026 - min(int(dice.expovariate(1 / 25)), 95)
    born = date(year, 7, 1) if is_estimated else date(year, 1, 1) + timedelta(days=dice.randrange(365))
    phone = (
        None
        if dice.random() < 0.14
        else f"+232{dice.choice(['76', '77', '78', '30', '88'])}{dice.randrange(10**6):06d}"
    )
    family = dice.choices(list(FAMILIES), list(FAMILIES.values()))[0]
    return ComparedPerson(given, family, born, is_estimated, sex, phone, f"{dice.randrange(1, 90)} {dice.choice(STREETS)}")


def relative(dice: random.Random, of: ComparedPerson) -> ComparedPerson:
    """Another person of the same household: family name, phone and address are shared."""
    other = somebody(dice)
    while other.given.split()[0] == of.given.split()[0]:
        other = somebody(dice)
    return replace(other, family=of.family, phone=of.phone, address=of.address)


def twin(dice: random.Random, of: ComparedPerson) -> ComparedPerson:
    """A sibling born on the same day."""
    return replace(relative(dice, of), birth_date=of.birth_date, is_estimated=of.is_estimated)


def misspelt(dice: random.Random, name: str) -> str:
    """The name with one slip of the kind clerks make: a letter lost, doubled, exchanged or taken for another."""
    fitting = [(old, new) for old, new in SLIPS if old in name[1:]]
    if fitting and dice.random() < 0.7:
        old, new = dice.choice(fitting)
        return name[0] + name[1:].replace(old, new, 1)
    place = dice.randrange(1, len(name))
    lost, doubled = name[:place] + name[place + 1 :], name[:place] + name[place - 1] + name[place:]
    exchanged = name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :]
    return dice.choice([lost, doubled, exchanged]) if len(name) > 3 else doubled


def again(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    """The same person registered a second time by somebody in a hurry: one or two things differ."""
    changes = dice.sample([_spelt, _swapped, _birth_slip, _new_phone, _shorter, _approximate], dice.choice([1, 1, 2]))
    for change in changes:
        person = change(dice, person)
    return replace(person, address=person.address if dice.random() < 0.5 else "")


def _spelt(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    if dice.random() < 0.5:
        return replace(person, given=misspelt(dice, person.given))
    return replace(person, family=misspelt(dice, person.family))


def _swapped(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    return replace(person, given=person.family, family=person.given)


def _birth_slip(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    born = person.birth_date
    if born.day <= 12 and born.day != born.month and dice.random() < 0.5:
        return replace(person, birth_date=born.replace(day=born.month, month=born.day))
    return replace(person, birth_date=born + timedelta(days=dice.choice([-1, 1])))


def _new_phone(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    return replace(person, phone=dice.choice([None, f"+23279{dice.randrange(10**6):06d}"]))


def _shorter(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    return replace(person, given=person.given.split()[0])


def _approximate(dice: random.Random, person: ComparedPerson) -> ComparedPerson:
    return replace(
        person, birth_date=date(person.birth_date.year + dice.choice([-2, -1, 0, 1, 2]), 7, 1), is_estimated=True
    )
