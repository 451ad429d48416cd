"""`make quick` runs the tests of the desks that were changed, and the house tests for files that all desks use."""

import pytest

from tools.touched import changed_files, choose_tests


@pytest.mark.parametrize(
    ("files", "tests"),
    [
        (["hms/billing/till.py", "templates/billing/bill.html"], ["tests/billing"]),
        (["hms/clinical/vitals/news2.py", "tests/pharmacy/test_stock.py"], ["tests/clinical", "tests/pharmacy"]),
        (["hms/core/text.py", "tests/house/test_layout.py"], ["tests/core", "tests/house"]),
        (["hms/__init__.py"], ["tests/house"]),
        (["templates/base.html", "static/js/hms.js"], ["tests/house"]),
        (["migrations/versions/0001_first.py", "pyproject.toml"], ["tests/house"]),
        (["tests/house/test_layout.py"], ["tests/house/test_layout.py"]),
        (["tests/house/test_deleted.py", "tests/browser/test_kit.py"], []),
        (["tests/conftest.py"], ["tests/house"]),
        (["tools/setup.py"], ["tests/local"]),
        (["README.md", "docs/map.md", "hms/core/notes.md"], []),
        ([], []),
    ],
)
def test_the_tests_that_belong_to_changed_files(files, tests):
    assert choose_tests(files) == tests


def test_changed_files_are_named_from_the_top_of_the_repository():
    assert not any(name.startswith(("/", "./")) for name in changed_files())
