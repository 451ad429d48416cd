"""What a person does with their own account: name, address, password, picture, how pages look."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from hms.core.actions import action
from hms.core.audit import recording
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, end_request_session, get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.staff import rules
from hms.staff.accounts.actions import check_email_is_free
from hms.staff.login_security import passwords
from hms.staff.models import ProfilePhoto, User
from hms.staff.onboarding.set_password import hash_new_password, set_password

from . import images
from . import preferences as profile_preferences

MAX_NAME_LENGTH = 150


@action(Permission.SIGNED_IN, "staff.change_names")
def change_names(*, by: Person, **names: str) -> User:
    """Change one's own `title`, `first_name`, `last_name`, as far as they are given."""
    user = get_for_update(User, by.id)
    for field in ("title", "first_name", "last_name"):
        if names.get(field) is not None:
            setattr(user, field, _clean_name(names[field], field))
    if not (user.first_name or user.last_name):
        raise RuleBroken(N_("Enter at least one name."), "last_name")
    if db.session.is_modified(user):
        user.increment_version()
    db.session.flush()
    return user


def _clean_name(text: str, field: str) -> str:
    said = clean_field(text, field, longest=MAX_NAME_LENGTH, multiline=True)
    if re.search(r"\s\s|[\r\n\t]", said):
        raise RuleBroken(N_("Enter the name on one line, with single spaces."), field)
    return said


@action(Permission.SIGNED_IN, "staff.change_email")
def change_email(*, email: str, by: Person) -> User:
    """Change the account's e-mail address, also a sign-in name; call it through `with_reauthentication`."""
    user = get_for_update(User, by.id)
    address = check_email_is_free(rules.email(email), user)
    if address != user.email:
        user.email = address
        user.increment_version()
        db.session.flush()
    return user


def change_password(*, password: str, by: Person) -> User:
    """Choose another password; every other session and every token ends. Call it after a fresh password."""
    return _save_password(hash_changed_password(password, by=by), by=by)


def hash_changed_password(password: str, *, by: Person) -> str:
    """The hash of a password that the rules allow and that is not the present one. Call it before an action."""
    user = get_or_not_found(User, by.id)
    if passwords.is_correct(user.password_hash, password):
        raise RuleBroken(N_("This is your current password. Choose another one."), "password")
    return hash_new_password(user, password)


@action(Permission.SIGNED_IN, "staff.change_password")
def _save_password(password_hash: str, *, by: Person) -> User:
    user = get_for_update(User, by.id)
    set_password(user, password_hash, but_session=by.session_id)
    return user


def change_profile(given: dict[str, Any], *, by: Person) -> None:
    """All that a program sends at once; address and password only after a fresh password."""
    password_hash = hash_changed_password(given["password"], by=by) if "password" in given else None
    _save_profile(given, password_hash, by=by)


@action(Permission.SIGNED_IN, "staff.change_profile")
def _save_profile(given: dict[str, Any], password_hash: str | None, *, by: Person) -> None:
    names = {name: given[name] for name in ("title", "first_name", "last_name") if name in given}
    if names:
        change_names(**names, by=by)
    if "email" in given:
        change_email(email=given["email"], by=by)
    if password_hash is not None:
        _save_password(password_hash, by=by)
    change_preferences(language=given.get("language_preference"), preferences=given.get("preferences"), by=by)


def save_photo(*, uploaded: bytes, by: Person) -> str:
    """Keep a picture of oneself in place of the one before; returns its mark."""
    end_request_session()  # no connection to the database waits for the picture
    return _save_image(images.make_portrait(uploaded), by=by)


@action(Permission.SIGNED_IN, "staff.keep_photo")
def _save_image(image: bytes, *, by: Person) -> str:
    row = {"user_id": by.id, "image": image, "mark": images.content_mark(image)}
    db.session.execute(insert(ProfilePhoto).values(row).on_conflict_do_update(index_elements=["user_id"], set_=row))
    recording.record("staff.photo_kept", by, entity="app_user", entity_id=by.id, details={"mark": row["mark"]})
    return row["mark"]


@action(Permission.SIGNED_IN, "staff.drop_photo")
def remove_photo(*, by: Person) -> None:
    """Take one's picture away."""
    gone = db.session.execute(delete(ProfilePhoto).where(ProfilePhoto.user_id == by.id))
    if gone.rowcount:
        recording.record("staff.photo_dropped", by, entity="app_user", entity_id=by.id)


@action(Permission.SIGNED_IN, "staff.change_preferences")
def change_preferences(*, language: str | None = None, preferences: dict[str, Any] | None = None, by: Person) -> User:
    """Change one's own language and looks; `preferences` is merged into what was chosen before."""
    user = get_for_update(User, by.id)
    if language is not None:
        user.language = profile_preferences.check_language(language)
    if preferences:
        user.preferences = profile_preferences.merge_preferences(user.preferences, preferences)
    return user


def get_photo(user_id: int) -> ProfilePhoto | None:
    """Somebody's picture, if they have one."""
    return db.session.scalars(select(ProfilePhoto).filter_by(user_id=user_id)).one_or_none()


def get_user_and_photo_mark(user_id: int) -> tuple[User, str | None]:
    """An account, and the mark of its picture if it has one, in one question."""
    joined = select(User, ProfilePhoto.mark).outerjoin(ProfilePhoto, ProfilePhoto.user_id == User.id)
    row = db.session.execute(joined.where(User.id == user_id)).unique().one()
    return row.User, row.mark


def get_photo_mark(user_id: int) -> str | None:
    return db.session.scalars(select(ProfilePhoto.mark).filter_by(user_id=user_id)).one_or_none()
