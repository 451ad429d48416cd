"""The people of the demo hospital: staff accounts, and West African and other names for patients."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "hospital-demo-2026"  # noqa: S105 - printed on the sign-in page of every demo
DEPARTMENTS = ("Outpatients", "Paediatrics", "Antenatal clinic", "Surgery")


@dataclass(frozen=True)
class StaffMember:
    """One staff account. `starts` and `ends` are the clinic hours of a doctor (hour of the day, hospital time)."""

    username: str
    role: str
    title: str
    first_name: str
    last_name: str
    department: str = ""
    room: str = ""
    starts: int = 8
    ends: int = 14


STAFF = (
    StaffMember("admin", "admin", "", "Josephine", "Cole"),
    StaffMember("doctor", "doctor", "Dr", "Amadu", "Bah", "Outpatients", "Room 1", 8, 16),
    StaffMember("doctor2", "doctor", "Dr", "Jeneba", "Cole", "Paediatrics", "Room 2", 8, 16),
    StaffMember("s.kargbo", "doctor", "Dr", "Sorie", "Kargbo", "Outpatients", "Room 3"),
    StaffMember("m.fofanah", "doctor", "Dr", "Mariama", "Fofanah", "Antenatal clinic", "Room 4"),
    StaffMember("e.macauley", "doctor", "Dr", "Ernest", "Macauley", "Surgery", "Room 5", 9, 13),
    StaffMember("a.mensah", "doctor", "Dr", "Akosua", "Mensah", "Paediatrics", "Room 6"),
    StaffMember("o.adeyemi", "doctor", "Dr", "Oluwaseun", "Adeyemi", "Outpatients", "Room 7", 10, 16),
    StaffMember("h.lindqvist", "doctor", "Dr", "Håkan", "Lindqvist", "Surgery", "Room 8", 9, 13),
    StaffMember("nurse", "nurse", "", "Nana", "Sesay"),
    StaffMember("receptionist", "receptionist", "", "Fatu", "Koroma"),
    StaffMember("pharmacist", "pharmacist", "", "Musa", "Turay"),
    StaffMember("cashier", "cashier", "", "Finda", "Lebbie"),
    StaffMember("lab", "lab", "", "Alie", "Bangura"),
)

FAMILY_NAMES = [
    "Kamara",
    "Sesay",
    "Koroma",
    "Bangura",
    "Conteh",
    "Turay",
    "Kargbo",
    "Jalloh",
    "Bah",
    "Mansaray",
    "Fofanah",
    "Kanu",
    "Sankoh",
    "Dumbuya",
    "Marah",
    "Barrie",
    "Tholley",
    "Cole",
    "Johnson",
    "Williams",
    "Macauley",
    "Davies",
    "Lebbie",
    "Lahai",
    "Musa",
    "Tucker",
    "Vandi",
    "Saffa",
    "Mensah",
    "Owusu",
    "Boateng",
    "Okafor",
    "Adeyemi",
    "Diallo",
    "Traoré",
    "Cissé",
    "N'Diaye",
    "Koné",
    "Touré",
    "Ouédraogo",
]
GIVEN_FEMALE = [
    "Kadiatu",
    "Fatmata",
    "Mariama",
    "Aminata",
    "Isatu",
    "Hawa",
    "Adama",
    "Jeneba",
    "Memunatu",
    "Salamatu",
    "Finda",
    "Sia",
    "Kumba",
    "Yeabu",
    "Zainab",
    "Haja",
    "Ramatu",
    "Binta",
    "Aïssatou",
    "Akosua",
    "Ama",
    "Ngozi",
    "Chidinma",
    "Josephine",
    "Princess",
    "Marie-Thérèse",
    "Élodie",
]
GIVEN_MALE = [
    "Ibrahim",
    "Mohamed",
    "Abdul",
    "Alie",
    "Foday",
    "Sorie",
    "Musa",
    "Alhaji",
    "Santigie",
    "Lamin",
    "Abu",
    "Sahr",
    "Tamba",
    "Komba",
    "Brima",
    "Osman",
    "Ishmael",
    "Amadu",
    "Kwame",
    "Kofi",
    "Chukwuemeka",
    "Oluwaseun",
    "Joseph",
    "Samuel",
    "Emmanuel",
    "José",
    "André",
]

# Names that are hard to lay out or to search: long, single, accented, hyphenated, apostrophes, other scripts.
UNUSUAL = (
    ("female", "Oluwatomisin Ifeoluwakiitan Anuoluwapo", "Adebayo-Ogunlesi Akinfolarin"),
    ("male", "Sahr", ""),
    ("female", "Bébé", "Traoré"),
    ("male", "Þórarinn", "Ásgeirsson"),
    ("female", "Nguyễn Thị", "Hồng-Ánh"),
    ("male", "محمد", "الحسن"),
    ("female", "O'Reilly-Macauley", "N'Guessan"),
    ("male", "Wolfeschlegelsteinhausenbergerdorff", "Montgomery-Featherstonehaugh"),
)

STREETS = [
    "Hill Road",
    "Kissy Road",
    "Wilkinson Road",
    "Circular Road",
    "Pademba Road",
    "Bai Bureh Road",
    "Regent Street",
    "Lumley Beach Road",
]
OCCUPATIONS = ["trader", "teacher", "farmer", "driver", "pupil", "seamstress", "fisherman", "nurse", "mason", ""]
ALLERGIES = (
    ("penicillin", "anaphylaxis", "severe"),
    ("sulfonamides", "rash", "moderate"),
    ("aspirin", "wheeze", "severe"),
    ("ibuprofen", "swelling of the face", "moderate"),
    ("peanut", "rash", "mild"),
)
