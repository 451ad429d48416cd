"""The blueprints of the administration; the modules of this desk add their pages and endpoints."""

from __future__ import annotations

from flask import Blueprint

from hms.core.api.blueprint import ApiBlueprint

pages = Blueprint("admin", __name__, url_prefix="/admin")
api = ApiBlueprint("admin_api", __name__, description="Audit trail, sign-ins, settings, health")
