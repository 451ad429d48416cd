"""The blueprints of the appointment pages and endpoints, and their places in the top bar."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import DeskApi
from hms.core.permissions import Action
from hms.core.web import navigation

pages = Blueprint("appointments", __name__)

api = DeskApi("appointments_api", __name__, description="Appointments and the queue")

navigation.place(_l("Queue"), "appointments.queue", Action.CALL_PATIENT, order=10)
navigation.place(_l("Appointments"), "appointments.day", Action.READ_VISIT_REASON, order=20)
