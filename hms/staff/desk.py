"""The staff desk's two blueprints; the modules beside this one put their pages and endpoints on them."""

from __future__ import annotations

from flask import Blueprint

from hms.core.api import DeskApi

pages = Blueprint("staff", __name__)
api = DeskApi("staff_api", __name__, description="Sign-in, staff and roles")
