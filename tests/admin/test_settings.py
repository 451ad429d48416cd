"""Settings: types, help texts and last change; sensitive ones need re-authentication, public ones no sign-in."""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from threading import Barrier

import pytest
from PIL import Image
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.settings.definitions import SETTINGS
from hms.messages.models import Notification
from hms.staff.login_security import password_rules
from tests.conftest import PASSWORD
from tests.house.hospital import somebody
from tests.page import Page


def test_every_setting_is_explained_and_its_default_fits_it():
    for setting in SETTINGS.values():
        assert setting.help, setting.key
        assert settings.validated_value(setting, setting.default) == setting.default


def test_a_choice_is_shown_in_words(desk):
    page = Page(desk("admin").get("/admin/settings?q=decimal").get_data(as_text=True))
    assert "As usual in the country" in " ".join(page.text)
    form = desk("admin").get("/admin/settings/hospital.decimal_sign").get_data(as_text=True)
    assert ">As usual in the country</option>" in form


def test_the_shortest_password_may_be_set_to_a_length_that_zxcvbn_accepts_at_all():
    shortest = SETTINGS["staff.shortest_password"].least
    hard = "xQ7#vK2!pZ9&wR4"
    password_rules.check_strength(hard[:shortest])
    with pytest.raises(RuleBroken):
        password_rules.check_strength(hard[: shortest - 1])


def test_the_page_shows_who_changed_a_setting_and_reverts_it(desk):
    admin = desk("admin")
    assert admin.form("/admin/settings/queue.long_wait_minutes", new="45").status_code == 303
    page = admin.get("/admin/settings").get_data(as_text=True)
    assert "Default: 60" in page
    assert "by Admin" in page
    assert admin.form("/admin/settings").status_code == 303
    assert settings.value("queue.long_wait_minutes") == 60
    assert "Default: 60" not in admin.get("/admin/settings").get_data(as_text=True)


@pytest.mark.security("G")
def test_a_sensitive_setting_asks_for_the_password(desk):
    admin, path = desk("admin"), "/admin/settings/staff.idle_minutes"
    assert admin.form(path, new="30", proof="").status_code == 400
    wrong = admin.form(path, new="30", proof="wrong")
    assert (wrong.status_code, 'value="30"' in wrong.get_data(as_text=True)) == (400, True)
    assert settings.value("staff.idle_minutes") == 15
    assert admin.form(path, new="30", proof=PASSWORD).status_code == 303
    assert settings.value("staff.idle_minutes") == 30


@pytest.mark.security("G")
def test_a_revert_of_a_sensitive_setting_asks_too(desk):
    admin = desk("admin")
    admin.form("/admin/settings/staff.idle_minutes", new="30", proof=PASSWORD)
    asked = admin.form("/admin/settings")
    assert asked.status_code == 200
    assert 'value="15"' in asked.get_data(as_text=True)
    assert settings.value("staff.idle_minutes") == 30


@pytest.mark.security("G")
def test_other_administrators_are_alerted_of_a_sensitive_change(desk, program, person):
    other = somebody("second", "admin")
    admin, path = desk("admin"), "staff.two_person_admin_grant"

    def told(to: int) -> list[str]:
        rows = select(Notification.message).where(Notification.user_id == to).order_by(Notification.id)
        return list(database.session.scalars(rows.where(Notification.title.startswith("A security or money setting"))))

    assert admin.form(f"/admin/settings/{path}", ticked=None, proof=PASSWORD).status_code == 303
    assert [one.partition(". ")[0] for one in told(other.id)] == [
        "Two administrators must approve a new administrator: Yes → No, by Admin (admin)"
    ]
    assert program("admin").delete(f"/api/system-settings/{path}/").status_code == 204
    limit = "/api/system-settings/billing.discount_limit_percent/"
    assert program("admin").put(limit, json={"value": 100}).status_code == 200
    assert program("admin").put(limit, json={"value": 100}).status_code == 200
    assert program("admin").put("/api/system-settings/hospital.phone/", json={"value": "022 1"}).status_code == 200
    assert ["No → Yes" in told(other.id)[1], "10 → 100" in told(other.id)[2], len(told(other.id))] == [True, True, 3]
    assert told(person("admin").id) == []


def test_every_setting_that_holds_a_control_is_sensitive():
    controls = ("staff.", "security.", "clinical.", "billing.discount_limit", "billing.open_till")
    assert [one.key for one in SETTINGS.values() if one.key.startswith(controls) and not one.is_sensitive] == []


def test_two_administrators_at_one_setting(desk, person):
    admin, path = desk("admin"), "/admin/settings/hospital.name"
    fields = next(f["fields"] for f in Page(admin.get(path).get_data(as_text=True)).forms if f["action"] == path)
    settings.change_setting("hospital.name", "Bay Hospital", by=person("admin"))
    late = admin.post(path, data={**fields, "new": "Hill Hospital"})
    assert (late.status_code, "Bay Hospital" in late.get_data(as_text=True)) == (409, True)
    assert 'value="Hill Hospital"' in late.get_data(as_text=True)
    assert settings.value("hospital.name") == "Bay Hospital"


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("billing.receipt_paper", "70"),
        ("hospital.site_address", "javascript:alert(1)"),
        ("hospital.logo", "https://elsewhere.example/logo.png"),
        ("patients.number_prefix", "hms!"),
        ("hospital.name", "x" * 501),
        ("queue.long_wait_minutes", "4"),
        ("queue.long_wait_minutes", "１２"),
    ],
)
def test_what_does_not_fit_is_refused_and_kept(program, key, wrong):
    answer = program("admin").put(f"/api/system-settings/{key}/", json={"value": wrong})
    assert (answer.status_code, list(answer.json)) == (400, ["value"])


@pytest.mark.security("D")
def test_public_settings_need_no_sign_in_and_are_only_the_public_ones(program):
    shown = program(None).get("/api/system-settings/public/").json
    assert {one["key"] for one in shown} == {key for key, setting in SETTINGS.items() if setting.is_public}
    assert program(None).get("/api/system-settings/").status_code == 401


def test_one_setting_with_its_version(program):
    admin, address = program("admin"), "/api/system-settings/queue.long_wait_minutes/"
    before = admin.get(address)
    assert (before.json["default"], before.json["type"]) == (60, "whole")
    assert admin.put(address, json={"value": 45}, headers={"If-Match": before.headers["ETag"]}).json["value"] == 45
    assert admin.put(address, json={"value": 50}, headers={"If-Match": before.headers["ETag"]}).status_code == 412
    assert admin.delete(address).status_code == 204
    assert admin.get(address).json["value"] == 60


def test_settings_are_searched(desk):
    page = desk("admin").get("/admin/settings?q=RECEIPT").get_data(as_text=True)
    assert "Last line of a receipt" in page
    assert "Tax number" not in page


def _picture(kind: str, size: tuple[int, int] = (600, 150)) -> bytes:
    encoded = BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(encoded, kind)
    return encoded.getvalue()


def test_the_logo_is_a_file_judged_by_its_content_and_shown_on_pages_and_papers(desk, program):
    admin, page = desk("admin"), "/admin/settings/hospital.logo"
    form = next(form for form in Page(admin.get(page).get_data(as_text=True)).forms if form["action"] == page)
    for wrong in (b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n and no more", b"", _picture("BMP")):
        answer = admin.post(page, data={**form["fields"], "once": "", "picture": (BytesIO(wrong), "logo.png")})
        assert answer.status_code == 400
        assert settings.value("hospital.logo") == ""
    sent = {**form["fields"], "picture": (BytesIO(_picture("JPEG")), "logo.exe")}
    assert admin.post(page, data=sent).status_code == 303
    settings.clear_cache()
    shown = desk("nurse").get("/").get_data(as_text=True)
    address = re.search(r'<img src="(/logo/\w+)"', shown)[1]
    assert "data:image/png" not in shown
    served = program(None).get(address)
    with Image.open(BytesIO(served.data)) as stored:
        assert (stored.format, stored.size, served.content_type) == ("PNG", (240, 60), "image/png")  # noise packs badly
    assert len(served.data) <= 24_000
    assert program(None).get("/logo/0123456789abcdef").status_code == 404
    assert address in admin.get(page).get_data(as_text=True)
    assert address in admin.get("/admin/settings").get_data(as_text=True)


def test_of_changes_at_once_with_one_version_one_is_saved(real_app, in_parallel):
    settings.change_setting("hospital.name", "The first name", by=SYSTEM)

    def change(number: int) -> object:
        shown = settings.stored_settings()
        version = shown["hospital.name"].version
        meet.wait(20)
        return settings.change_setting("hospital.name", f"Name {number}", version=version, by=SYSTEM).version

    meet = Barrier(4)
    results = in_parallel([partial(change, number) for number in range(4)])
    assert [result for result in results if result == 2] == [2]
    assert sum(isinstance(result, StaleVersion) for result in results) == 3


def test_of_first_changes_at_once_one_is_saved_and_the_others_are_told_of_it(real_app, in_parallel):
    def change(number: int) -> object:
        meet.wait(20)
        return settings.change_setting("hospital.phone", f"03076411{number}", version=0, by=SYSTEM).version

    meet = Barrier(4)
    results = in_parallel([partial(change, number) for number in range(4)])
    assert [result for result in results if result == 1] == [1]
    assert sum(isinstance(result, StaleVersion) for result in results) == 3
