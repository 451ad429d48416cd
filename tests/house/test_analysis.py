"""Each of our own rules of static analysis finds code that breaks it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.security("J")

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "tools" / "analysis" / "rules.yml"
SEMGREP = ROOT / ".local" / "analysis" / "bin" / "semgrep"

BREACHES = {
    "commit-outside-an-action": ("hms/desk/actions.py", "db.session.commit()"),
    "time-not-from-the-clock": ("hms/desk/rules.py", "import datetime as dt\nnow = dt.datetime.now()"),
    "sql-put-together-from-text": ("hms/desk/queries.py", 'rows = text(f"SELECT * FROM patient WHERE name = {name}")'),
    "markup-from-values": ("hms/desk/views.py", "shown = Markup(name)"),
    "safe-filter-in-a-template": ("templates/desk/page.html", "<p>{{ note | safe }}</p>"),
    "code-from-data": ("hms/desk/jobs.py", "import pickle\npickle.loads(data)"),
    "the-house-asks-the-network": ("hms/desk/api.py", "import requests\nrequests.get(url)"),
    "one-time-code-checked-carelessly": ("hms/staff/codes.py", "pyotp.TOTP(secret).verify(code)"),
    "token-read-carelessly": ("hms/desk/tokens.py", 'import jwt\njwt.decode(token, key, algorithms=["HS256"])'),
    "what-was-typed-in-a-log": ("hms/desk/log.py", 'log.warning("refused %s", request.form)'),
    "every-site-may-listen": ("hms/desk/sockets.py", 'socketio.init_app(app, cors_allowed_origins="*")'),
    "browser-keeps-patient-data": ("static/js/desk.js", 'localStorage.setItem("patient", name);'),
    "page-made-from-text": ("static/js/list.js", "row.innerHTML = name;"),
}


def test_every_law_has_a_breach_here():
    laws = {law["id"] for law in yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]}
    assert laws == set(BREACHES)


@pytest.mark.skipif(not SEMGREP.exists(), reason="the readers of code are not installed (make setup)")
def test_every_breach_is_found(tmp_path):
    for file, code in BREACHES.values():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code + "\n", encoding="utf-8")
    command = [SEMGREP, "scan", "--metrics=off", "--disable-version-check", "--no-git-ignore", "--json", "--quiet"]
    done = subprocess.run([*command, "--config", RULES, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    found = {(finding["check_id"].rsplit(".")[-1], finding["path"]) for finding in json.loads(done.stdout)["results"]}
    assert found == {(law, file) for law, (file, _code) in BREACHES.items()}
