"""A line of the lists of rules in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from hms.core.text.translation import N_, Sentence, joined
from hms.formulary.safety.knowledge import CLASS_PREFIX, UNCONFIRMED
from hms.formulary.safety.rule_lists import Cell, CellKind, Cells, split

from .current_rules import RuleLine

TIER_LABELS = {
    "stop": _l("Stop"),
    "caution": _l("Caution"),
    "info": _l("For information"),
}
READ, NAMED, NOT_CONFIRMED, NO_SOURCE = "read", "named", "unconfirmed", "none"
SOURCE_LABELS = {
    READ: _l("Source was read"),
    NAMED: _l("Source named, without its address"),
    NOT_CONFIRMED: _l("Source to be confirmed"),
    NO_SOURCE: _l("List of names"),
}
CHOICE_LABELS = {
    **TIER_LABELS,
    "oral": _l("When both are swallowed"),
    "any": _l("By every route"),
    "single": _l("At once"),
    "daily": _l("In 24 hours"),
    "weekly": _l("In seven days"),
    "course": _l("A day in a long course"),
    "crcl": _l("Cockcroft and Gault"),
    "egfr": _l("eGFR (CKD-EPI 2021)"),
    "yes": _l("Yes"),
    "no": _l("No"),
}
"""The words for what a cell with a closed set of values may hold; others are shown as they are."""
STATE_LABELS = {
    "in_force": _l("In force"),
    "retired": _l("Retired"),
    "own": _l("Decided by this hospital"),
    "differs": _l("Program's list differs"),
}
CHANGE_LABELS = {
    "add": _l("Add"),
    "change": _l("Change"),
    "retire": _l("Retire"),
    "keep": _l("Keep as it is"),
}
DECISION_LABELS = {
    "waiting": _l("Waiting"),
    "approved": _l("Approved"),
    "declined": _l("Declined"),
    "withdrawn": _l("Withdrawn"),
}
_LIMITS = {
    "single": N_("At most %(most)s at once."),
    "daily": N_("At most %(most)s in 24 hours."),
    "weekly": N_("At most %(most)s in seven days."),
    "course": N_("At most %(most)s a day in a course of more than %(days)s days."),
}
_PLAIN = {
    "high_alert": N_("A dose that cannot be read, or for which no maximum is known, is stopped: %(members)s."),
    "interaction_families": N_("These act alike in an interaction: %(members)s."),
    "medicine_groups": N_("Medicines of one use: %(members)s."),
    "harmless": N_("Looked at together with these groups; no other interaction that matters is known: %(members)s."),
    "substances": N_("Also written as: %(members)s."),
}
_MEMBER_COLUMNS = {"harmless": "harmless_with", "substances": "aliases"}


def tier_of(line: RuleLine) -> str:
    """How severe the alerts of a line are; "" of a list of names."""
    cells = line.shown
    if line.rule_list.name in ("dose_limits", "high_alert"):
        return "stop"
    if "tier" in cells:
        return cells["tier"]
    return cells.get("same_class_tier", "") or ("caution" if cells.get("watch_duplicates") == "yes" else "")


def source_state(line: RuleLine) -> str:
    """What is known of the source of a line."""
    cells = line.shown
    if "source" not in cells:
        return NO_SOURCE
    if UNCONFIRMED in cells["source"]:
        return NOT_CONFIRMED
    return READ if cells.get("address") else NAMED


def side_words(side: str, names: Mapping[str, str]) -> str:
    """A side of a rule: a substance, or the name of its family."""
    return names.get(side.removeprefix(CLASS_PREFIX), side) if side.startswith(CLASS_PREFIX) else side


def title_of(line: RuleLine, names: Mapping[str, str]) -> str:
    """What a line is about; `names` are those of the families by code."""
    cells, name = line.shown, line.rule_list.name
    if name == "interactions":
        return f"{side_words(cells['first'], names)} + {side_words(cells['second'], names)}"
    if name == "combinations":
        return " + ".join(side_words(side, names) for side in split(cells["parts"]))
    if name == "kidney":
        return side_words(cells["medicine"], names)
    if name == "illnesses":
        return f"{', '.join(side_words(side, names) for side in split(cells['medicines']))} – {cells['illness']}"
    if name == "allergy_cross":
        return (
            f"{names.get(cells['recorded'], cells['recorded'])} → {names.get(cells['prescribed'], cells['prescribed'])}"
        )
    return cells.get("name") or cells.get("ingredient") or cells.get("group") or ""


def text_of(line: RuleLine) -> Sentence:
    """What a line says."""
    cells, name = line.shown, line.rule_list.name
    if name == "dose_limits":
        return _limit_text(cells)
    if name == "kidney":
        message = N_("When the kidneys work at less than %(below)s mL/min (%(measure)s): %(advice)s")
        return Sentence(message, below=cells["below"], measure=cells["measure"], advice=cells["advice"])
    if name == "allergy_classes":
        return _class_text(cells)
    if name in _PLAIN:
        return Sentence(_PLAIN[name], members=", ".join(_members(name, cells)) or "–")
    return Sentence("%(said)s", said=" ".join(filter(None, (cells.get(part) for part in ("effect", "advice", "note")))))


def _members(name: str, cells: Cells) -> tuple[str, ...]:
    if name == "high_alert":
        return split(cells["substances"]) + split(cells["classes"])
    return split(cells[_MEMBER_COLUMNS.get(name, "members")])


def _class_text(cells: Cells) -> Sentence:
    message = N_("A group for recorded allergies and duplicates: %(members)s.")
    if cells["is_allergy_class"] == "yes":
        message = N_("Whoever is allergic to one of these may react to the others: %(members)s.")
    return Sentence(message, members=", ".join(split(cells["members"])) or "–")


def _limit_text(cells: Cells) -> Sentence:
    parts = [f"{cells['most']} {cells['unit']}"] if cells["most"] else []
    parts += [f"{cells['most_per_kg']} {cells['unit']}/kg"] if cells["most_per_kg"] else []
    return Sentence(_LIMITS[cells["kind"]], most=" / ".join(parts), days=cells["over_days"])


def conditions_of(line: RuleLine) -> Sentence:
    """For which routes and ages a line holds."""
    cells, said = line.shown, []
    if "routes" in cells:
        routes = cells["routes"]
        if routes == "any" or (not routes and line.rule_list.name in ("dose_limits", "high_alert")):
            said.append(Sentence(N_("By every route.")))
        elif routes == "oral" and line.rule_list.name == "interactions":
            said.append(Sentence(N_("When both are swallowed.")))
        elif routes:
            said.append(Sentence(N_("By these routes: %(routes)s."), routes=", ".join(split(routes))))
        else:
            said.append(Sentence(N_("Not for what stays on skin, eye, ear or nose.")))
    if cells.get("from_years"):
        said.append(Sentence(N_("From %(years)s years of age."), years=cells["from_years"]))
    if cells.get("below_years"):
        said.append(Sentence(N_("Below %(years)s years of age."), years=cells["below_years"]))
    return joined(said) if said else Sentence(N_("Wherever one of these medicines is prescribed."))


def cell_words(cell: Cell, text: str) -> str:
    """What a cell holds, in words where it has a closed set of values."""
    return str(CHOICE_LABELS.get(text, text)) if cell.kind is CellKind.CHOICE else text


def changed_cells(before: Cells | None, after: Cells | None) -> list[tuple[str, str, str]]:
    """The cells that differ: (column, old text, new text), in the order of the columns."""
    old: Mapping[str, Any] = before or {}
    new: Mapping[str, Any] = after or {}
    columns = dict.fromkeys((*old, *new))
    return [(name, old.get(name, ""), new.get(name, "")) for name in columns if old.get(name, "") != new.get(name, "")]
