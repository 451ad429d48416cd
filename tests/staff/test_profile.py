"""One's own account: preferences, name, e-mail address, password and picture."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select, update

from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.errors import RuleBroken
from hms.core.person import SYSTEM
from hms.staff.models import ProfilePhoto, User
from hms.staff.profile import images
from tests.conftest import PASSWORD
from tests.staff.factories import GOOD, user


def picture(kind="PNG", size=(900, 600), **more):
    made = BytesIO()
    Image.new("RGB", size, "#0b6274").save(made, kind, **more)
    return made.getvalue()


def _upload(client, content, name="me.png"):
    return client.form("/profile/photo", photo=(BytesIO(content), name))


def test_preferences_are_saved_and_apply_to_the_next_page(desk):
    nurse = desk("nurse")
    answer = nurse.form("/profile", theme="dark", density="compact", text_size="large", language="en", single_keys="")
    assert answer.status_code == 303
    page = nurse.get("/").get_data(as_text=True)
    for mark in ('data-theme="dark"', 'data-density="compact"', 'data-text="large"', 'data-shortcuts="off"'):
        assert mark in page


def test_an_unknown_theme_is_refused(desk):
    assert desk("nurse").form("/profile", theme="purple").status_code == 400


def test_help_opens_for_everybody(desk):
    assert desk("norole").get("/help").status_code == 200


def test_changing_the_own_name_is_audited(desk, db):
    nurse = desk("nurse")
    assert nurse.form("/profile/name", title="Sr", first_name="Nana", last_name="Sesay").status_code == 303
    assert "Sr Nana Sesay" in nurse.get("/profile").get_data(as_text=True)
    assert nurse.form("/profile/name", title="", first_name="", last_name=" ").status_code == 400
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.change_names")).one()
    assert (entry.old["first_name"], entry.new["first_name"]) == ("", "Nana")


@pytest.mark.security("G")
def test_the_address_is_changed_only_with_the_password(desk):
    nurse = desk("nurse")
    wrong = nurse.form("/profile/email", email="n@example.org", current="wrong")
    assert (wrong.status_code, 'value="n@example.org"' in wrong.get_data(as_text=True)) == (400, True)
    assert nurse.form("/profile/email", email="not an address", current=PASSWORD).status_code == 400
    assert nurse.form("/profile/email", email="n@example.org", current=PASSWORD).status_code == 303
    assert user("nurse").email == "n@example.org"
    assert desk("lab").form("/profile/email", email="N@example.org", current=PASSWORD).status_code == 400


@pytest.mark.security("G")
def test_a_new_password_needs_the_present_one_and_ends_every_other_session(desk, program):
    here, elsewhere, token = desk("nurse"), desk("nurse"), program("nurse")
    for sent in (
        {"current": "wrong", "password": GOOD, "again": GOOD},
        {"current": PASSWORD, "password": "hospital2026", "again": "hospital2026"},
        {"current": PASSWORD, "password": GOOD, "again": "else"},
        {"current": PASSWORD, "password": PASSWORD, "again": PASSWORD},
    ):
        assert here.form("/profile/password", **sent).status_code == 400
    assert here.form("/profile/password", current=PASSWORD, password=GOOD, again=GOOD).status_code == 303
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302
    assert token.get("/api/users/me/").status_code == 401
    assert desk(None).form("/login", username="nurse", password=GOOD).status_code == 303


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.security("K")
def test_a_picture_is_encoded_again_without_its_place(desk, db, kind):
    nurse = desk("nurse")
    place = Image.Exif()
    place[0x0110] = "Camera with a place"
    assert _upload(nurse, picture(kind, exif=place)).status_code == 303
    stored = db.session.scalars(select(ProfilePhoto)).one()
    with Image.open(BytesIO(stored.image)) as made:
        assert (made.format, made.size, dict(made.getexif())) == ("JPEG", (256, 256), {})
    shown = desk("doctor").get(f"/people/{user('nurse').id}/photo")
    assert (shown.mimetype, shown.data == stored.image) == ("image/jpeg", True)
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert desk("norole").get(f"/people/{user('nurse').id}/photo").status_code == 404
    again = desk("doctor").get(f"/people/{user('nurse').id}/photo", headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "me.svg"),
        (b"<html><script>alert(1)</script>", "me.png"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 200, "broken.png"),
        (b"GIF89a" + b"\x00" * 50, "me.gif"),
        (picture("PNG", (6000, 5000)), "bomb.png"),
        (picture("JPEG")[:400], "cut.jpg"),
        (b"%PDF-1.7", "../../etc/passwd.png"),
    ],
)
@pytest.mark.security("K")
def test_a_file_that_is_not_a_picture_is_refused(desk, db, content, name):
    answer = _upload(desk("nurse"), content, name)
    assert answer.status_code == 400
    assert db.session.scalars(select(ProfilePhoto)).all() == []


@pytest.mark.security("K")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_picture_with_broken_data_of_the_camera_is_taken_without_them():
    camera = Image.Exif()
    camera[0x0112], camera[0x010E], camera[0x8825] = 6, "hello", {1: "N", 2: (1.0, 2.0, 3.0)}
    for kind in ("JPEG", "PNG"):
        whole = picture(kind, (4, 3), exif=camera)
        begin = whole.index(b"MM\x00*")
        for place in range(begin, begin + 90):
            broken = whole[:place] + b"\x07" + whole[place + 1 :]
            with suppress(RuleBroken) if kind == "PNG" else nullcontext():  # a PNG has a checksum over these data
                assert Image.open(BytesIO(images.make_portrait(broken))).size == (256, 256), place


@pytest.mark.security("L")
def test_a_file_too_large_is_refused_before_it_is_read(desk):
    sent = {"data": b"\x00" * 3_000_000, "content_type": "multipart/form-data; boundary=x"}
    assert desk("nurse").post("/profile/photo", **sent).status_code == 413


@pytest.mark.security("C")
def test_the_profile_through_the_api(program):
    nurse = program("nurse")
    before = nurse.get("/api/profile/").json
    assert before["username"] == "nurse"
    assert not {"password", "password_hash", "totp_secret", "two_factor_secret"} & set(before)
    full = {**before, "first_name": "Nana", "is_active": False, "role": {"id": 1}, "username": "root"}
    after = nurse.put("/api/profile/", json=full).json
    assert (after["first_name"], after["username"], after["role"]["name"]) == ("Nana", "nurse", "Nurse")
    refused = nurse.put("/api/profile/", json={"email": "n@example.org"})
    assert (refused.status_code, list(refused.json)) == (400, ["current_password"])
    sent = {"email": "n@example.org", "current_password": PASSWORD}
    assert nurse.put("/api/profile/", json=sent).json["email"] == "n@example.org"


@pytest.mark.parametrize("sent", [{"theme": "dark"}, {"preferences": {"theme": "dark"}, "two_factor_enabled": True}])
@pytest.mark.security("C")
def test_preferences_flat_or_nested_and_never_the_second_factor(program, sent):
    nurse = program("nurse")
    answer = nurse.put("/api/preferences/", json=sent)
    assert answer.status_code == 200
    assert answer.json == {
        "preferences": {"theme": "dark"},
        "language_preference": "en",
        "profile_image": None,
        "two_factor_enabled": False,
    }
    assert nurse.get("/api/preferences/").json == answer.json


@pytest.mark.parametrize(
    "sent",
    [
        {"theme": "purple"},
        {"theme": ["dark"]},
        {"shortcuts_off": "yes"},
        {"language_preference": "xx"},
        {"language_preference": "fr"},  # no catalogue, so its pages would be English
        {"language_preference": 3},
        {"preferences": []},
        {"preferences": {"a": {"b": 1}}},
        {"preferences": {"Bad Name": 1}},
        {"note": "x" * 500},
        {f"key{n}": n for n in range(60)},
        [],
        "dark",
    ],
)
def test_odd_preferences_are_a_400(program, sent):
    assert program("nurse").put("/api/preferences/", json=sent).status_code == 400


def test_a_language_without_a_catalogue_is_not_offered(db, desk):
    """A person who chose it before, and a browser that prefers it, read English pages that say so."""
    nurse = desk("nurse")
    page = nurse.get("/profile", headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert "Français" not in page
    with action_context("tests.chosen_before", SYSTEM):
        db.session.execute(update(User).where(User.username == "nurse").values(language="fr"))
    assert '<html lang="en"' in nurse.get("/profile").get_data(as_text=True)
