import pytest

from hms.core.web.guard import safe_next

pytestmark = pytest.mark.security("I")


@pytest.mark.parametrize("target", ["/", "/patients/7?tab=bills#top", "/find?q=kad%2076", "/a//b", "/é"])
def test_paths_of_this_site(target):
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target",
    [None, "", "patients", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
     "https://evil.example",
     "javascript:alert(1)", " /x", "/\t/evil.example", "/\n", "/\x00", "/\x7f", "/" + "x" * 2048, "http:/evil",
     "data:,x"],
)  # fmt: skip
def test_any_other_address_is_refused(target):
    assert safe_next(target) is None
