"""The administration's two blueprints; the modules beside this one put their pages and endpoints on them."""

from __future__ import annotations

from flask import Blueprint

from hms.core.api.blueprint import ApiBlueprint

pages = Blueprint("admin", __name__, url_prefix="/admin")
api = ApiBlueprint("admin_api", __name__, description="Audit trail, sign-ins, settings, health")
