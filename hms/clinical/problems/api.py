"""JSON: the problem list of a patient."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response

from hms.clinical.blueprints import api
from hms.clinical.schemas import ProblemCertaintyIn, ProblemEndIn, ProblemIn, ProblemOut, problem_json
from hms.core.api import read_log
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Ordering, parameters
from hms.patients import lookup
from hms.patients.access import policy

from . import actions, queries

PROBLEMS = parameters(
    **PAGING,
    **DAYS,
    clinical_status=Choice(("active", "inactive", "resolved")),
    certainty=Choice(("provisional", "confirmed")),
    ordering=Ordering(("id", "created_at", "updated_at", "text")),
)
ID, CREATED_AT, UPDATED_AT = attrgetter("id"), attrgetter("created_at"), attrgetter("updated_at")


def _newest_first(row: Any) -> tuple[int]:
    return (-row.id,)


@api.get("/patients/<int:patient_id>/problems/")
@requires(Permission.OPEN_CHART)
@api.arguments(PROBLEMS, location="query")
@api.response(200, ProblemOut(many=True))
def problems(arguments: dict[str, Any], patient_id: int) -> Response:
    """The problem list of a patient: what was put on it, not the diagnoses of visits."""
    policy.check(lookup.patient(patient_id), current_person())
    read_log.record_read("clinical.read_problems", patient_id, entity="patient", entity_id=patient_id)
    rows = filter_rows(
        queries.list_problems(patient_id),
        arguments,
        on=CREATED_AT,
        clinical_status=attrgetter("clinical_status"),
        certainty=attrgetter("certainty"),
    )
    columns = {"id": ID, "created_at": CREATED_AT, "updated_at": UPDATED_AT, "text": attrgetter("title")}
    return paginated_response(order_rows(rows, arguments, _newest_first, **columns), problem_json)


@api.post("/patients/<int:patient_id>/problems/")
@requires(Permission.KEEP_PROBLEMS)
@api.arguments(ProblemIn)
@api.response(201, ProblemOut)
def add_problem(payload: dict[str, Any], patient_id: int) -> tuple[dict[str, Any], int]:
    """Add a problem, by its ICD-10 `code` or as `text`; 409 when it is on the list."""
    return problem_json(actions.add_problem(patient_id, **payload, by=current_person())), 201


@api.post("/conditions/<int:condition_id>/list/")
@requires(Permission.KEEP_PROBLEMS)
@api.response(201, ProblemOut)
def list_diagnosis(condition_id: int) -> tuple[dict[str, Any], int]:
    """Add a visit's diagnosis to the problem list of its patient; 409 when it is on the list."""
    return problem_json(actions.list_diagnosis(condition_id, by=current_person())), 201


@api.post("/problems/<int:problem_id>/certainty/")
@requires(Permission.KEEP_PROBLEMS)
@api.arguments(ProblemCertaintyIn)
@api.response(200, ProblemOut)
def set_problem_certainty(payload: dict[str, Any], problem_id: int) -> dict[str, Any]:
    """Set a problem to provisional or confirmed."""
    return problem_json(actions.set_certainty(problem_id, **payload, by=current_person()))


@api.post("/problems/<int:problem_id>/resolve/")
@requires(Permission.KEEP_PROBLEMS)
@api.arguments(ProblemEndIn)
@api.response(200, ProblemOut)
def resolve_problem(payload: dict[str, Any], problem_id: int) -> dict[str, Any]:
    """Say that a problem is over, on `resolved_on` or today; 409 when it is resolved."""
    return problem_json(actions.resolve_problem(problem_id, **payload, by=current_person()))


@api.post("/problems/<int:problem_id>/reopen/")
@requires(Permission.KEEP_PROBLEMS)
@api.response(200, ProblemOut)
def reopen_problem(problem_id: int) -> dict[str, Any]:
    """Make a problem active again; 409 when it is active."""
    return problem_json(actions.reopen_problem(problem_id, by=current_person()))


@api.delete("/problems/<int:problem_id>/")
@requires(Permission.KEEP_PROBLEMS)
@api.response(204)
def withdraw_problem(problem_id: int) -> None:
    """Take a problem off the list that was entered in error; it stays in the database."""
    actions.withdraw_problem(problem_id, by=current_person())
