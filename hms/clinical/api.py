"""JSON of the clinical desk: encounters, what is in them, prescriptions."""

from . import encounter_parts_api, prescriptions_api
from .encounters_api import api

__all__ = ["api", "encounter_parts_api", "prescriptions_api"]
