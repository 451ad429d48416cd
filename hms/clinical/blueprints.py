"""Blueprints of the clinical pages and endpoints, and labels for their templates."""

from __future__ import annotations

from flask import Blueprint

from hms.core.api.blueprint import ApiBlueprint

from . import labels
from .encounters import rules
from .enums import IssuedKind

api = ApiBlueprint("clinical_api", __name__, description="Encounters and prescriptions")

pages = Blueprint("clinical", __name__)


@pages.app_template_global("certainty_word")
def certainty_word(certainty: str) -> str:
    return rules.CERTAINTIES.get(certainty, certainty)


@pages.app_template_global("clinical_status_word")
def clinical_status_word(status: str) -> str:
    return labels.CLINICAL_STATUSES.get(status, status)


@pages.app_template_global("issued_kind_word")
def issued_kind_word(kind: str) -> str:
    return labels.ISSUED_KINDS.get(IssuedKind(kind), kind)
