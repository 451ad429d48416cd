"""The administrator's pages and endpoints: the trail, sign-ins, settings, health."""

from __future__ import annotations

import pytest

from hms.admin.api import HealthOut
from hms.core.settings import definitions
from hms.core.settings import store as settings

PAGES = (
    "/admin/",
    "/admin/audit",
    "/admin/failed-jobs",
    "/admin/sign-ins",
    "/admin/users",
    "/admin/settings",
    "/admin/settings/hospital.name",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.security("A")
def test_an_administrator_opens_the_page_and_a_cashier_does_not(desk, path):
    assert desk("admin").get(path).status_code == 200
    assert desk("cashier").get(path).status_code == 403


def test_a_changed_setting_is_saved_and_in_the_trail(desk):
    admin = desk("admin")
    assert admin.form("/admin/settings/hospital.name", new="Bay Hospital").status_code == 303
    assert settings.value("hospital.name") == "Bay Hospital"
    page = admin.get("/admin/audit?entity=system_setting").get_data(as_text=True)
    assert "core.change_setting" in page
    assert "Bay Hospital" in page


def test_a_refused_setting_shows_the_typed_value(desk):
    answer = desk("admin").form("/admin/settings/staff.idle_minutes", new="soon")
    assert answer.status_code == 400
    assert 'value="soon"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query", ["day_from=soon", "number=x", "day_to=31 2 2026", "who=" + "x" * 500, "who=%00", "words=paid"]
)
def test_filters_that_cannot_be_read_are_said_to_be_so(desk, query):
    assert desk("admin").get(f"/admin/audit?{query}").status_code == 400


@pytest.mark.security("O")
def test_a_refusal_is_in_the_trail(desk, program):
    desk("cashier").get("/admin/audit")
    entries = program("admin").get("/api/audit-logs/?action=authz.denied").get_json()
    seen = [(e["user"], e["outcome"], e["details"]["what"]) for e in entries]
    assert seen == [("cashier", "denied", "admin.audit_trail")]


@pytest.mark.security("P")
def test_health_tells_strangers_one_word_and_administrators_each_part(program):
    assert program(None).get("/api/health/").get_json() == {"status": "ok", "database": "ok"}
    seen = set(program("admin").get("/api/health/").get_json())
    assert {"broker", "waiting_work", "failed_work"} <= seen
    assert seen == set(HealthOut().fields), "an answer has a field that the OpenAPI document does not name"


def test_the_trail_pages_through_the_api(program, person):
    for number in range(3):
        settings.change_setting("hospital.name", f"Name {number}", by=person("admin"))
    first = program("admin").get("/api/audit_logs/?page_size=2&object_type=system_setting").get_json()
    assert (first["count"], len(first["results"]), first["previous"]) == (3, 2, None)
    second = program("admin").get(first["next"]).get_json()
    assert [row["details"]["value"] for row in second["results"]] == ["Name 0"]
    assert program("nurse").get("/api/audit-logs/").status_code == 403


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page_size=-1", "date=2026-13-01", "patient=abc", "page=" + "9" * 40]
)
def test_unusable_arguments_are_a_400(program, query):
    assert program("admin").get(f"/api/audit-logs/?{query}").status_code == 400


def test_settings_through_the_api(program):
    admin = program("admin")
    keys = {row["key"] for row in admin.get("/api/system-settings/").get_json()}
    assert keys == set(definitions.SETTINGS)
    answer = admin.put("/api/system-settings/staff.idle_minutes/", json={"value": 30})
    assert (answer.status_code, answer.get_json()["value"]) == (200, 30)
    assert admin.put("/api/system-settings/staff.idle_minutes/", json={"value": 999}).status_code == 400
    assert admin.put("/api/system-settings/no.such/", json={"value": 1}).status_code == 404


def test_the_openapi_document_is_valid(program):
    from openapi_spec_validator import validate

    validate(program(None).get("/api/openapi.json").get_json())
