"""Changes of one's own account: name, e-mail address, password, picture, preferences."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app
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
from hms.core.web.localisation import offered_languages
from hms.staff import rules
from hms.staff.accounts.actions import check_email_is_free, check_version
from hms.staff.login_security import passwords
from hms.staff.models import ProfilePhoto, User
from hms.staff.onboarding.set_password import hash_new_password, set_password

from . import images
from . import preferences as profile_preferences

MAX_NAME_LENGTH = 150


@action(Permission.SIGNED_IN, "staff.change_names")
def change_names(*, by: Person, **names: str) -> User:
    """Change one's own `title`, `first_name` and `last_name`; a missing one stays as it is."""
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
    name = clean_field(text, field, longest=MAX_NAME_LENGTH, multiline=True)
    if re.search(r"\s\s|[\r\n\t]", name):
        raise RuleBroken(N_("Enter the name on one line, with single spaces."), field)
    return name


@action(Permission.SIGNED_IN, "staff.change_email")
def change_email(*, email: str, by: Person) -> User:
    """Change the account's e-mail address, which is also a sign-in name. Call it through `with_reauthentication`."""
    user = get_for_update(User, by.id)
    address = check_email_is_free(rules.email(email), user)
    if address != user.email:
        user.email = address
        user.increment_version()
        db.session.flush()
    return user


@action(Permission.SIGNED_IN, "staff.change_phone")
def change_phone(*, phone: str, by: Person) -> User:
    """Change the mobile phone to which alerts may be sent. Call it through `with_reauthentication`."""
    user = get_for_update(User, by.id)
    number = rules.phone(phone, current_app.config["COUNTRY"])
    if number != user.phone:
        user.phone = number
        user.increment_version()
        db.session.flush()
    return user


def change_password(*, password: str, by: Person) -> User:
    """Change one's own password; other sessions and all tokens end. Call it after re-authentication."""
    return _save_password(hash_changed_password(password, by=by), by=by)


def hash_changed_password(password: str, *, by: Person) -> str:
    """Check that the password is new and allowed, and return its hash. Call it before an action, never inside one."""
    user = get_or_not_found(User, by.id)
    if passwords.is_correct(user.password_hash, password):
        raise RuleBroken(N_("This is your current password. Choose another one."), "password")
    return hash_new_password(user, password)


@action(Permission.SIGNED_IN, "staff.change_password")
def _save_password(password_hash: str, *, by: Person) -> User:
    user = get_for_update(User, by.id)
    set_password(user, password_hash, but_session=by.session_id)
    return user


def change_profile(changes: dict[str, Any], *, version: int | None = None, by: Person) -> None:
    """Change names, e-mail address, phone, password and preferences in one transaction.

    For `email`, `phone` and `password`, call it after re-authentication.
    """
    password_hash = hash_changed_password(changes["password"], by=by) if "password" in changes else None
    _save_profile(changes, password_hash, version, by=by)


@action(Permission.SIGNED_IN, "staff.change_profile")
def _save_profile(changes: dict[str, Any], password_hash: str | None, version: int | None, *, by: Person) -> None:
    check_version(get_for_update(User, by.id), version)
    names = {name: changes[name] for name in ("title", "first_name", "last_name") if name in changes}
    if names:
        change_names(**names, by=by)
    if "email" in changes:
        change_email(email=changes["email"], by=by)
    if "phone" in changes:
        change_phone(phone=changes["phone"], by=by)
    if password_hash is not None:
        _save_password(password_hash, by=by)
    change_preferences(language=changes.get("language_preference"), preferences=changes.get("preferences"), by=by)


def save_photo(*, uploaded: bytes, by: Person) -> str:
    """Store a picture of oneself in place of the earlier one; return its content mark. Raises `RuleBroken`."""
    end_request_session()  # so that no database connection is held while the picture is encoded
    return _save_image(images.make_portrait(uploaded), by=by)


@action(Permission.SIGNED_IN, "staff.keep_photo")
def _save_image(image: bytes, *, by: Person) -> str:
    row = {"user_id": by.id, "image": image, "mark": images.content_mark(image)}
    db.session.execute(insert(ProfilePhoto).values(row).on_conflict_do_update(index_elements=["user_id"], set_=row))
    recording.record("staff.photo_kept", by, entity="app_user", entity_id=by.id, details={"mark": row["mark"]})
    return row["mark"]


@action(Permission.SIGNED_IN, "staff.drop_photo")
def remove_photo(*, by: Person) -> None:
    """Remove one's picture."""
    deleted = db.session.execute(delete(ProfilePhoto).where(ProfilePhoto.user_id == by.id))
    if deleted.rowcount:
        recording.record("staff.photo_dropped", by, entity="app_user", entity_id=by.id)


@action(Permission.SIGNED_IN, "staff.change_preferences")
def change_preferences(
    *, language: str | None = None, preferences: dict[str, Any] | None = None, version: int | None = None, by: Person
) -> User:
    """Change one's own language and preferences; preferences that are not named stay as they are.

    Raises `StaleVersion` when the account no longer has `version`; None is not compared.
    """
    user = get_for_update(User, by.id)
    check_version(user, version)
    if language is not None:
        user.language = profile_preferences.check_language(language, offered_languages())
    if preferences:
        user.preferences = profile_preferences.merge_preferences(user.preferences, preferences)
    if language is not None or preferences:
        user.increment_version()
    return user


def get_photo(user_id: int) -> ProfilePhoto | None:
    """The picture of an account; None when it has none."""
    return db.session.scalars(select(ProfilePhoto).filter_by(user_id=user_id)).one_or_none()


def get_user_and_photo_mark(user_id: int) -> tuple[User, str | None]:
    """An account and the content mark of its picture (None without one), in one query."""
    joined = select(User, ProfilePhoto.mark).outerjoin(ProfilePhoto, ProfilePhoto.user_id == User.id)
    row = db.session.execute(joined.where(User.id == user_id)).unique().one()
    return row.User, row.mark


def get_photo_mark(user_id: int) -> str | None:
    return db.session.scalars(select(ProfilePhoto.mark).filter_by(user_id=user_id)).one_or_none()
