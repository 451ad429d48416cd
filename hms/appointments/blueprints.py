"""Blueprints of the pages and endpoints, and their navigation entries."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import ApiBlueprint
from hms.core.permissions import Permission
from hms.core.web import navigation

pages = Blueprint("appointments", __name__)

api = ApiBlueprint("appointments_api", __name__, description="Appointments and the queue")

navigation.add_entry(_l("Queue"), "appointments.queue", Permission.SERVE_POINT, order=10)
navigation.add_entry(_l("Appointments"), "appointments.day", Permission.READ_VISIT_REASON, order=20)
