"""One's own page."""

from __future__ import annotations


def test_preferences_are_kept_and_seen_on_the_next_page(desk):
    nurse = desk("nurse")
    answer = nurse.form("/profile", theme="dark", density="compact", text_size="large", language="en", single_keys="")
    assert answer.status_code == 303
    assert 'data-theme="dark"' in nurse.get("/").get_data(as_text=True)


def test_an_unknown_theme_is_refused(desk):
    assert desk("nurse").form("/profile", theme="purple").status_code == 400


def test_help_opens_for_everybody(desk):
    assert desk("norole").get("/help").status_code == 200
