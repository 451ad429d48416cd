"""Makes the screenshots of the README from a new demo hospital: `make screenshots`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

from browser import find_chromium
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "screenshots"
PORT = 24_611
ADDRESS = f"http://127.0.0.1:{PORT}"
PASSWORD = "hospital-demo-2026"  # noqa: S105 - the demo's
SIZE = {"width": 1366, "height": 768}
START_SECONDS = 300


def main() -> int:
    """Start HMS with demo data, write the screenshots of each desk, stop HMS."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data_dir:
        server = _start(data_dir)
        try:
            _wait_until_ready()
            _take_all()
        finally:
            server.terminate()
            server.wait(60)
    return 0


def _start(data_dir: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"HMS_DEMO": "1", "HMS_PORT": str(PORT), "HMS_DATA_DIR": data_dir}
    return subprocess.Popen([sys.executable, "-m", "hms.local.supervisor"], cwd=ROOT, env=environment)


def _wait_until_ready() -> None:
    for _second in range(START_SECONDS):
        try:
            if urllib.request.urlopen(f"{ADDRESS}/api/health/", timeout=2).status == 200:  # noqa: S310 - our own
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    raise SystemExit("HMS did not start.")


def _take_all() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        _reception(_signed_in(browser, "receptionist"))
        _queue(_signed_in(browser, "nurse"))
        _doctor(_signed_in(browser, "doctor"))
        _pharmacy(_signed_in(browser, "pharmacist"))
        _cashier(_signed_in(browser, "cashier"))
        _laboratory(_signed_in(browser, "lab"))
        _admin(_signed_in(browser, "admin"))
        browser.close()


def _signed_in(browser: Browser, username: str) -> Page:
    page = browser.new_context(base_url=ADDRESS, viewport=SIZE).new_page()
    page.goto("/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[data-ux=nav]").wait_for()
    return page


def _take(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png")


def _reception(page: Page) -> None:
    _take(page, "reception")
    page.locator("[data-ux=find]").press_sequentially("kam", delay=30)
    page.locator("[data-ux=find-row]").first.wait_for()
    _take(page, "find")
    page.goto("/patients/new")
    _take(page, "register")
    page.goto("/appointments/")
    _take(page, "appointments")


def _queue(page: Page) -> None:
    page.goto("/queue/")
    _take(page, "queue")
    page.goto(page.locator("a[href$='/vitals']").first.get_attribute("href") or "/queue/")
    page.locator("h1").wait_for()
    _take(page, "vitals")


def _doctor(page: Page) -> None:
    with page.expect_navigation():
        page.locator("[data-ux=home-next]").click()
    if "/encounters/" not in page.url:  # nobody waits for this doctor at this time of the day
        page.goto("/patients/1")
        page.locator("form[action$='/encounters/start'] button").first.click()
    page.wait_for_url("**/encounters/*")
    _take(page, "encounter")
    page.goto("/patients/1")
    _take(page, "chart")


def _pharmacy(page: Page) -> None:
    page.goto("/pharmacy/")
    _take(page, "pharmacy")
    page.goto("/pharmacy/stock")
    _take(page, "stock")


def _cashier(page: Page) -> None:
    page.goto("/billing/")
    _take(page, "bills")
    page.locator("a[href*='/billing/bills/']").first.click()
    page.locator("h1").wait_for()
    _take(page, "bill")


def _laboratory(page: Page) -> None:
    page.goto("/lab/")
    _take(page, "laboratory")


def _admin(page: Page) -> None:
    _take(page, "administration")
    page.goto("/admin/audit")
    _take(page, "audit")
    page.goto("/reports/")
    _take(page, "reports")


if __name__ == "__main__":
    sys.exit(main())
