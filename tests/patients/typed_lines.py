"""Lines as people at the front desk type them, each with the patient that it means, by kind; seeded.

The misspellings come from lists and rules that the program does not have: names as they are heard (by hand), slips of the
keyboard, letters left out, doubled and exchanged.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hms.patients.identity import hospital_numbers
from tests.patients.people import FAMILIES, MEN, MIDDLE, WOMEN

MORE_FAMILIES = [
    "Marah", "Tholley", "Davies", "Lebbie", "Lahai", "Tucker", "Vandi", "Saffa", "Owusu", "Boateng", "Adeyemi",
    "Cissé", "Koné", "Ouédraogo", "Sawyerr", "Nicol", "Pratt", "Coker", "Decker", "Faulkner", "Gooding", "Harding",
    "Jarrett", "Kpaka", "Luseni", "Margai", "Momoh", "Ndanema", "Palmer", "Quaye", "Rogers", "Sandi", "Taqi",
    "Vincent", "Yillah", "Zombo", "Asante", "Darko", "Frimpong", "Gyasi", "Ampofo", "Appiah", "Nkrumah", "Agyeman",
    "Ofori", "Eze", "Nwosu", "Balogun", "Adebayo", "Okonkwo", "Ogunleye", "Sow", "Diop", "Fall", "Ndoye", "Gueye",
    "Sarr", "Faye", "Seck", "Camara", "Bayo", "Condé", "Sylla", "Soumah", "Doumbouya", "Kouyaté", "Sidibé",
    "Sangaré", "Ballo", "Dembélé", "Zongo", "Kaboré", "Tapsoba", "Yaméogo", "Kouassi", "Koffi", "Kouamé", "Yao",
    "Tshibangu", "Mbeki", "Ilunga", "Kabongo", "Mutombo", "Achieng", "Otieno", "Wanjiku", "Njoroge",
]  # fmt: skip
HEARD = {
    "Fatmata": "Fatumata", "Mariama": "Maryamah", "Isatu": "Aisatou", "Aminata": "Aminnatah", "Kadiatu": "Kadijatou",
    "Hawa": "Awah", "Zainab": "Zeynabu", "Mabinty": "Mabenti", "Memunatu": "Maimunatu", "Ramatu": "Rahmatou",
    "Jeneba": "Djenaba", "Salamatu": "Salematou", "Rugiatu": "Rukiatu", "Safiatu": "Sophiatu", "Elizabeth": "Elisabet",
    "Hannah": "Anna", "Tenneh": "Teneh", "Mohamed": "Muhammad", "Ibrahim": "Ebrahima", "Abdul": "Abdoul",
    "Alhassan": "Alasan", "Alusine": "Alosene", "Foday": "Fodé", "Musa": "Moussa", "Lamin": "Lameen",
    "Mustapha": "Moustafa", "Osman": "Ousmane", "Amadu": "Ahmadou", "Saidu": "Seydou", "Abubakarr": "Aboubacar",
    "Hussein": "Usseni", "Santigie": "Santiggy", "Brima": "Breema", "Joseph": "Yosef", "Emmanuel": "Imanuel",
    "Momodu": "Mamadu", "Ishmael": "Ismail", "Idrissa": "Edrisa", "Unisa": "Younisa", "Kofi": "Coffie",
    "Kamara": "Kammarah", "Sesay": "Sessey", "Koroma": "Coromah", "Conteh": "Kontay", "Bangura": "Bungurah",
    "Kargbo": "Kagboh", "Turay": "Toure", "Mansaray": "Mansary", "Jalloh": "Dialo", "Bah": "Baah", "Barrie": "Bari",
    "Kanu": "Kano", "Fofanah": "Fofana", "Kallon": "Calone", "Bockarie": "Bokary", "Sankoh": "Sanko",
    "Massaquoi": "Masakwoy", "Johnson": "Jonson", "Cole": "Kole", "Williams": "Willyams", "Samura": "Samoura",
    "Dumbuya": "Doumbia", "Thullah": "Tullah", "Wurie": "Urie", "Macauley": "Mackollay", "Tucker": "Tukka",
    "Vandi": "Vandy", "Boateng": "Boatin", "Adeyemi": "Addeyemy", "Davies": "Davis", "Nicol": "Nichole",
    "Sawyerr": "Soya", "Rogers": "Rojas", "Palmer": "Parma", "Quaye": "Kway", "Ouédraogo": "Wedraogo",
}  # fmt: skip
"""Names as they are written by somebody who only heard them."""
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
TODAY_AGES = ("{}", "{}y", "{} yrs", "aged {}")


@dataclass(frozen=True)
class Known:
    """A patient of the test set; `number` is the running number."""

    number: int
    given: str
    family: str
    other: str
    sex: str
    born: date
    is_estimated: bool
    phone: str
    kin_phone: str
    national_id: str
    old_number: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".lower()


def population(dice: random.Random, count: int, today: date) -> list[Known]:
    """`count` people with names as unevenly shared as in reality."""
    families = [*FAMILIES, *MORE_FAMILIES]
    weights = [*FAMILIES.values(), *[0.7] * len(MORE_FAMILIES)]
    return [_somebody(dice, number, families, weights, today) for number in range(700_001, 700_001 + count)]


def _somebody(dice: random.Random, number: int, families: list[str], weights: list[float], today: date) -> Known:
    sex = dice.choice(["male", "female"])
    given = dice.choice(MEN if sex == "male" else WOMEN)
    given += f" {dice.choice(MIDDLE)}" if dice.random() < 0.3 else ""
    born = today - timedelta(days=int(min(dice.expovariate(1 / 27), 94) * 365.25) + dice.randrange(330))
    is_estimated = dice.random() < 0.15
    family, *others = dice.choices(families, weights, k=3)
    return Known(
        number,
        given,
        family,
        others[0] if sex == "female" and dice.random() < 0.3 else "",
        sex,
        date(born.year, 7, 1) if is_estimated and born.year < today.year else born,
        is_estimated,
        f"+232{dice.choice(['76', '77', '78', '30', '88'])}{dice.randrange(10**6):06d}",
        f"0{dice.choice(['79', '31', '99'])}{dice.randrange(10**6):06d}",
        f"SL{dice.randrange(10**8):08d}" if dice.random() < 0.5 else "",
        f"CH/{dice.randrange(10**5):05d}/{dice.randrange(90):02d}" if dice.random() < 0.3 else "",
    )


def slip(dice: random.Random, name: str) -> str:
    """The name with one slip of the keyboard, not in the first letter."""
    place = dice.randrange(1, len(name))
    row = next((row for row in KEYBOARD if name[place].lower() in row), "")
    at = row.find(name[place].lower())
    near = row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    slips = [name[:place] + name[place] + name[place:]]
    if len(name) > 3:
        slips += [name[:place] + name[place + 1 :], *(name[:place] + other + name[place + 1 :] for other in near)]
    return dice.choice(slips).lower()


def exchanged(dice: random.Random, name: str) -> str:
    """The name with two neighbouring letters exchanged."""
    places = [i for i in range(1, len(name) - 1) if name[i] != name[i + 1]]
    place = dice.choice(places)
    return (name[:place] + name[place + 1] + name[place] + name[place + 2 :]).lower()


def years_old(person: Known, today: date) -> int:
    return today.year - person.born.year - ((today.month, today.day) < (person.born.month, person.born.day))


def _day(born: date) -> str:
    return f"{born.day}/{born.month}/{born.year}"


def _one_digit_off(dice: random.Random, born: date, today: date) -> date:
    written = born.isoformat()
    while True:
        place = dice.choice([2, 3, 5, 6, 8, 9])
        try:
            other = date.fromisoformat(written[:place] + str(dice.randrange(10)) + written[place + 1 :])
        except ValueError:
            continue
        if other != born and date(1900, 1, 1) < other <= today:
            return other


def _first(person: Known) -> str:
    return person.given.split()[0]


def lines_of(people: list[Known], today: date, each: int, seed: int = 13) -> Iterator[tuple[str, str, int]]:
    """`each` lines of every kind: the kind, the line, and the number of the patient whom it means."""
    dice = random.Random(seed)
    for kind, (needs, write) in KINDS.items():
        fitting = [person for person in people if needs(person, today)]
        for person in dice.sample(fitting, each):
            yield kind, write(dice, person, today), person.number


Line = Callable[[random.Random, Known, date], str]
Needs = Callable[[Known, date], bool]
KINDS: dict[str, tuple[Needs, Line]] = {}
"""For each kind: of whom such lines are written, and how."""


def kind(name: str, needs: Needs = lambda person, today: True) -> Callable[[Line], Line]:
    def add(write: Line) -> Line:
        KINDS[name] = (needs, write)
        return write

    return add


def _has_rare_name(person: Known, today: date) -> bool:
    return person.family in MORE_FAMILIES and len(person.given.split()) == 2


def _is_adult(person: Known, today: date) -> bool:
    return 12 < years_old(person, today) < 90


def _has_exact_birth(person: Known, today: date) -> bool:
    return not person.is_estimated and person.born.year > 1930


def _is_heard(person: Known, today: date) -> bool:
    return _has_exact_birth(person, today) and person.family in HEARD and _first(person) in HEARD


@kind("names in any order", _has_rare_name)
def _any_order(dice: random.Random, person: Known, today: date) -> str:
    words = [*person.given.split(), person.family]
    dice.shuffle(words)
    return dice.choice([str.lower, str.upper, str.title])(" ".join(words))


@kind("beginnings of names and digits of the phone")
def _beginnings(dice: random.Random, person: Known, today: date) -> str:
    return f"{person.given[:3]} {person.family[:4]} {person.phone[-5:]}".lower()


@kind("name and date of birth", _has_exact_birth)
def _dated(dice: random.Random, person: Known, today: date) -> str:
    written = [_day(person.born), f"{person.born:%d-%b-%Y}", f"{person.born:%d%m%y}", f"{person.born:%Y-%m-%d}"]
    return f"{_first(person)} {person.family} {dice.choice(written)}"


@kind("title, sex and age", lambda person, today: _has_rare_name(person, today) and _is_adult(person, today))
def _title(dice: random.Random, person: Known, today: date) -> str:
    word = dice.choice(["mr", "m", "man"] if person.sex == "male" else ["mrs", "f", "woman", "ms"])
    return f"{word} {_first(person)} {person.family} {dice.choice(TODAY_AGES).format(years_old(person, today))}"


@kind("name and age", lambda person, today: _has_rare_name(person, today) and _is_adult(person, today))
def _aged(dice: random.Random, person: Known, today: date) -> str:
    return f"{person.name} {dice.choice(TODAY_AGES).format(years_old(person, today))}"


@kind("age of an infant", lambda person, today: 2 * 31 < (today - person.born).days < 330)
def _infant(dice: random.Random, person: Known, today: date) -> str:
    months = (today.year - person.born.year) * 12 + today.month - person.born.month - (today.day < person.born.day)
    return f"{person.name} {months} {dice.choice(['months', 'mths'])}"


@kind("year about right", lambda person, today: _has_rare_name(person, today) and _is_adult(person, today))
def _about(dice: random.Random, person: Known, today: date) -> str:
    return f"{person.name} {dice.choice(['', 'about ', '~'])}{person.born.year + dice.choice([-2, -1, 1, 2])}"


@kind("month and year", _has_exact_birth)
def _month(dice: random.Random, person: Known, today: date) -> str:
    return f"{_first(person)} {person.family} {dice.choice([f'{person.born:%b %Y}', f'{person.born:%m/%Y}'])}".lower()


@kind("day and month exchanged", lambda p, today: _has_exact_birth(p, today) and p.born.day != p.born.month)
def _exchanged_day(dice: random.Random, person: Known, today: date) -> str:
    return f"{_first(person)} {person.family} {person.born.month}/{person.born.day}/{person.born.year}"


@kind("one digit of the date wrong", _has_exact_birth)
def _wrong_digit(dice: random.Random, person: Known, today: date) -> str:
    return f"{_first(person)} {person.family} {_day(_one_digit_off(dice, person.born, today))}"


@kind("one word misspelt", _has_rare_name)
def _one_slip(dice: random.Random, person: Known, today: date) -> str:
    if dice.random() < 0.5:
        return f"{person.given} {slip(dice, person.family)}"
    return f"{slip(dice, _first(person))} {person.given.split()[1]} {person.family}"


@kind("both words misspelt, with the date", _has_exact_birth)
def _two_slips(dice: random.Random, person: Known, today: date) -> str:
    return f"{slip(dice, _first(person))} {slip(dice, person.family)} {_day(person.born)}"


@kind("both words misspelt, with the age", lambda p, today: _has_rare_name(p, today) and _is_adult(p, today))
def _two_slips_aged(dice: random.Random, person: Known, today: date) -> str:
    given, middle = person.given.split()
    return f"{slip(dice, given)} {middle} {slip(dice, person.family)} {years_old(person, today)}y"


@kind("letters exchanged", lambda p, today: _has_rare_name(p, today) and len(_first(p)) > 3 and len(p.family) > 3)
def _letters(dice: random.Random, person: Known, today: date) -> str:
    return f"{exchanged(dice, _first(person))} {person.given.split()[1]} {exchanged(dice, person.family)}"


@kind("as heard, with the date", _is_heard)
def _heard(dice: random.Random, person: Known, today: date) -> str:
    return f"{HEARD[_first(person)]} {HEARD[person.family]} {_day(person.born)}"


@kind("as heard, with the phone", lambda p, today: p.family in HEARD and _first(p) in HEARD)
def _heard_phone(dice: random.Random, person: Known, today: date) -> str:
    return f"{HEARD[_first(person)]} {HEARD[person.family]} 0{person.phone[4:]}"


@kind("another name", lambda p, today: p.other != "" and _has_exact_birth(p, today))
def _other_name(dice: random.Random, person: Known, today: date) -> str:
    return f"{_first(person)} {person.other} {person.born.year}"


@kind("national ID", lambda p, today: p.national_id != "")
def _national_id(dice: random.Random, person: Known, today: date) -> str:
    number = person.national_id
    return dice.choice([number, number.lower(), f"{number[:2]} {number[2:]}", f"{number[:2]}-{number[2:]}"])


@kind("number of an old card", lambda p, today: p.old_number != "")
def _old_number(dice: random.Random, person: Known, today: date) -> str:
    number = person.old_number
    return dice.choice([number, number.lower(), number.replace("/", " ", 1), f"{person.family} {number}"])


@kind("phone")
def _phone(dice: random.Random, person: Known, today: date) -> str:
    local = f"0{person.phone[4:]}"
    return dice.choice([local, f"{local[:3]} {local[3:6]} {local[6:]}", person.phone, f"00{person.phone[1:]}"])


@kind("phone of the next of kin")
def _kin(dice: random.Random, person: Known, today: date) -> str:
    phone = person.kin_phone
    return dice.choice([phone, f"{phone[:3]} {phone[3:6]} {phone[6:]}", f"{_first(person)} {phone}"])


@kind("short number")
def _short_number(dice: random.Random, person: Known, today: date) -> str:
    return dice.choice([f"hms {person.number}", f"HMS{person.number}", f"hms-{person.number} {person.family.lower()}"])


@kind("scanned card or slip")
def _scanned(dice: random.Random, person: Known, today: date) -> str:
    number = hospital_numbers.format_hospital_number(person.number)
    slip_text = f"{person.family.upper()}, {person.given} Born {person.born:%d-%b-%Y} {person.sex.title()} {number}"
    return dice.choice([number, number.replace("-", ""), number[4:], slip_text, f"{number} token 18"])


@kind("a word too many", lambda p, today: _has_rare_name(p, today) and _is_adult(p, today))
def _too_many(dice: random.Random, person: Known, today: date) -> str:
    return f"{person.name} {dice.choice(['junior', 'freetown', 'police', 'teacher'])} {person.born.year}"


@kind("sex or age wrong", lambda p, today: _has_rare_name(p, today) and _is_adult(p, today))
def _wrong_part(dice: random.Random, person: Known, today: date) -> str:
    if dice.random() < 0.5:
        return f"{'woman' if person.sex == 'male' else 'man'} {person.name}"
    return f"{person.name} {years_old(person, today) + dice.choice([-6, -4, 4, 6])}y"
