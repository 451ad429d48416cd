"""The set-up repeats a step only after a change, and refuses a browser that does not work."""

import pytest

from tools import browser
from tools.machine import SetupFailed, Stamp, must, succeeds


def test_a_step_is_repeated_when_its_file_or_its_python_changed(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("flask==3.1.3")
    stamp = Stamp("python", lock, also="3.11", folder=tmp_path / "stamps")
    assert not stamp.is_fresh
    stamp.renew()
    assert Stamp("python", lock, also="3.11", folder=tmp_path / "stamps").is_fresh
    assert not Stamp("python", lock, also="3.13", folder=tmp_path / "stamps").is_fresh
    lock.write_text("flask==3.1.4")
    assert not stamp.is_fresh


def test_a_step_that_was_interrupted_is_repeated(tmp_path):
    stamp = Stamp("python", tmp_path / "lock", folder=tmp_path)
    stamp.renew()
    stamp.forget()
    assert not stamp.is_fresh


def test_a_failing_program_shows_the_end_of_its_output(tmp_path):
    with pytest.raises(SetupFailed, match="no route to the mirror"):
        must("sh", "-c", "echo no route to the mirror; exit 3")
    assert not succeeds("no-such-program")


@pytest.mark.parametrize(
    ("script", "is_real"),
    [
        ("echo 'Chromium 150.0 built on Debian'", True),
        ("echo 'Command requires the chromium snap to be installed.'; exit 1", False),
        ("exit 0", False),
    ],
)
def test_only_a_chromium_that_starts_counts(tmp_path, monkeypatch, script, is_real):
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setattr(browser, "NAMES", ("chromium",))
    monkeypatch.delenv("HMS_CHROMIUM", raising=False)
    browser.find_chromium.cache_clear()
    assert browser.find_chromium() == (str(program) if is_real else None)
    browser.find_chromium.cache_clear()
