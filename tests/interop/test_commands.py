"""`flask import-fhir`: what it prints and how it ends."""

from __future__ import annotations

import pytest

from tests.interop.factories import HAND_MADE, export, patient, resource_of_patient


@pytest.fixture
def run(app, db):
    return lambda *words: app.test_cli_runner().invoke(args=["import-fhir", *(str(word) for word in words)])


def test_a_summary_by_kind_and_the_faults_on_stderr(run):
    done = run(HAND_MADE)
    assert done.exit_code == 0
    assert "MedicationRequest" in done.stdout
    assert "Not used: Organization 1" in done.stdout
    assert "visits.jsonl:3: Encounter/e3 was skipped" in done.stderr
    assert "was skipped" not in done.stdout


def test_skipped_lines_alone_are_no_failure(run, tmp_path):
    done = run(export(tmp_path, resource_of_patient("Condition", "c", code={"text": "Gout"})))
    assert done.exit_code == 0
    assert "who is neither in these files nor in the hospital" in done.stderr


def test_a_path_that_is_not_there(run, tmp_path):
    done = run(tmp_path / "nowhere")
    assert done.exit_code == 1
    assert done.output.strip() == f"There is no file or folder {tmp_path / 'nowhere'}."


@pytest.mark.parametrize("content", [None, b"", b'{"resourceType":"Location","id":"l"}\n', b"\x00\x01\x02\n"])
def test_a_file_without_resources_is_an_error(run, tmp_path, content):
    if content is not None:
        (tmp_path / "Location.ndjson").write_bytes(content)
    done = run(tmp_path)
    assert done.exit_code == 1
    assert f"{tmp_path} has no FHIR resources that can be imported." in done.output


def test_a_named_file_is_read_whatever_its_name(run, tmp_path):
    done = run(export(tmp_path, patient(), name="whatever.txt"))
    assert done.exit_code == 0
    assert "Patient" in done.stdout
