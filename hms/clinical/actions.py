"""What clinicians do. Each subject has its own file; this one names what others call."""

from .answering import answer_question, stop_prescription
from .codes import load_codes
from .diagnosing import add_condition, make_primary, remove_condition, set_certainty
from .encounters import add_addendum, begin_written, save_encounter, start_encounter
from .measuring import Unconfirmed, correct_vitals, record_vitals
from .prescribing import change_prescription, prescribe, remove_prescription
from .signing import asks_birth_year, sign, withdraw_encounter, withdraw_prescription

__all__ = [
    "Unconfirmed",
    "add_addendum",
    "add_condition",
    "answer_question",
    "asks_birth_year",
    "begin_written",
    "change_prescription",
    "correct_vitals",
    "load_codes",
    "make_primary",
    "prescribe",
    "record_vitals",
    "remove_condition",
    "remove_prescription",
    "save_encounter",
    "set_certainty",
    "sign",
    "start_encounter",
    "stop_prescription",
    "withdraw_encounter",
    "withdraw_prescription",
]
