"""Pages of the settings, each with its help, default and last change."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, PasswordField, SelectField

from hms.admin.blueprints import pages
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.settings import definition, definitions, logo
from hms.core.settings import store as settings
from hms.core.text.cleaning import fold, is_only_punctuation, search_text
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, RecordIdField, Text
from hms.core.web.guard import current_person, requires
from hms.staff import directory as staff
from hms.staff.profile.images import MAX_BYTES, MAX_PIXELS, make_logo
from hms.staff.sign_in.reauthentication import with_reauthentication


class SettingForm(ActionForm):
    """The new value of one setting, in the control of its kind, and the administrator's password for a sensitive one."""

    new = Text(_l("Value"), longest=settings.MAX_LENGTH)
    one_of = SelectField(_l("Value"), validate_choice=False)
    ticked = BooleanField(_l("Yes"))
    picture = FileField(_l("Picture"))
    proof = PasswordField(_l("Your password, or the code of your app"))
    version = RecordIdField()

    def values(self) -> dict[str, Any]:
        chosen = self.picture.data
        return super().values() | {"picture": chosen.read() if chosen else b""}


@pages.get("/settings")
@requires(Permission.READ_SETTINGS)
def all_settings() -> str:
    """Every setting with its value, default, help and last change, by category; `q` searches."""
    search = search_text(request.args.get("q"))
    stored = settings.stored_settings()
    by_category: dict[str, list[definition.SettingDefinition]] = {}
    for setting in () if is_only_punctuation(search) else definitions.SETTINGS.values():
        if fold(search) in fold(f"{setting.label} {setting.help} {setting.category} {setting.key}"):
            by_category.setdefault(str(setting.category), []).append(setting)
    return render_template(
        "admin/settings.html", by_category=by_category, stored=stored, names=_names(stored), search=search
    )


def _names(stored: dict[str, settings.SystemSetting]) -> dict[int, str]:
    return staff.display_names({row.changed_by_id for row in stored.values() if row.changed_by_id is not None})


def _definition(key: str) -> definition.SettingDefinition:
    if key not in definitions.SETTINGS:
        raise NotFound(N_("This setting does not exist."))
    return definitions.SETTINGS[key]


@pages.route("/settings/<key>", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def setting(key: str) -> ResponseReturnValue:
    """Change one setting."""
    known = _definition(key)
    form = SettingForm(data=_stored_values(known) if request.method == "GET" else None)
    form.one_of.choices = [(choice, known.value_label(choice)) for choice in known.choices]
    if known.kind != "picture":
        form.merge_with(lambda: _stored_values(known))
    if form.save(_change(known), by=current_person()):
        flash(_("%(name)s saved. It takes effect within five seconds.", name=known.label), "success")
        return redirect(url_for(".all_settings"), 303)
    return _form_page(form, known)


def _stored_values(known: definition.SettingDefinition) -> dict[str, Any]:
    """The value in the control of the setting's kind, and its version: 0 for a setting that was never changed."""
    row = settings.stored_settings().get(known.key)
    value = row.value if row else known.default
    control = {"flag": "ticked", "choice": "one_of"}.get(known.kind, "new")
    shown = {} if known.kind == "picture" else {control: value if control == "ticked" else str(value)}
    return shown | {"version": row.version if row else 0}


def _form_page(form: SettingForm, known: definition.SettingDefinition) -> ResponseReturnValue:
    stored = settings.stored_settings()
    row = stored.get(known.key)
    limits = {"max_picture_size": MAX_BYTES, "max_pixels": MAX_PIXELS}
    page = render_template("admin/setting.html", form=form, setting=known, row=row, names=_names(stored), **limits)
    return page, form.status


def _change(known: definition.SettingDefinition) -> Any:
    """The action for the form: it takes the value of the control of the setting's kind, and checks it before the password."""

    def change(*, version: int | None, proof: str | None, by: Any, **typed: Any) -> Any:
        value = _typed_value(known, **typed)
        field = {"flag": "ticked", "choice": "one_of"}.get(known.kind, "new")
        try:
            settings.validated_value(known, value)
        except RuleBroken as error:
            raise RuleBroken.from_error(error, field) from error
        return _change_action(known)(known.key, value, version=version, proof=proof, by=by)

    return change


def _typed_value(
    known: definition.SettingDefinition, *, new: str, one_of: str | None, ticked: bool, picture: bytes
) -> Any:
    """The value of the control of the setting's kind; `RuleBroken` when a file is no picture."""
    if known.kind == "picture":
        return logo.to_value(make_logo(picture, "picture"))
    return {"flag": ticked, "choice": one_of or ""}.get(known.kind, new)


def _change_action(known: definition.SettingDefinition) -> Any:
    """`change_setting`, with reauthentication for a sensitive setting."""
    if known.is_sensitive:
        return with_reauthentication(settings.change_setting)
    return lambda key, value, *, proof, **more: settings.change_setting(key, value, **more)


@pages.post("/settings/<key>/revert")
@requires(Permission.MANAGE_SETTINGS)
def revert_setting(key: str) -> ResponseReturnValue:
    """Reset a setting to its default; for a sensitive setting show its form with the default, to enter the password."""
    known, form = _definition(key), SettingForm()
    if known.is_sensitive:
        form.one_of.choices = [(choice, known.value_label(choice)) for choice in known.choices]
        form.merge_with(lambda: _stored_values(known))
        form.new.data, form.one_of.data, form.ticked.data = (
            str(known.default),
            str(known.default),
            known.default is True,
        )
        return _form_page(form, known)
    if form.save(
        lambda *, version, by, **_other: settings.revert_setting(key, version=version, by=by), by=current_person()
    ):
        flash(_("%(name)s reverted to its default.", name=known.label), "success")
        return redirect(url_for(".all_settings"), 303)
    return _form_page(form, known)
