"""The security headers of every response (OWASP Secure Headers, ASVS 5.0 chapter 3), and the browsers' CSP reports."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import BadRequest

from hms.core.permissions import Permission

from .rate_limits import limiter
from .request_bodies import max_body_size

log = logging.getLogger(__name__)

FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
POLICY_WITHOUT_LOADS = "default-src 'none'; frame-ancestors 'none'"
ONE_YEAR = "max-age=31536000; includeSubDomains"
REPORT_PATH = "/csp-report"
MAX_REPORT_LENGTH = 10_000

pages = Blueprint("headers", __name__)


def csp_nonce() -> str:
    """The nonce of this response's scripts and styles."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def page_policy() -> str:
    """The policy of a page: styles and pictures of this site, and only scripts with this response's nonce."""
    nonce = f"'nonce-{csp_nonce()}'"
    return (
        f"default-src 'none'; script-src {nonce}; style-src 'self' {nonce}; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
        f"report-uri {REPORT_PATH}"
    )


def add_security_headers(response: Response) -> None:
    """Add the headers. A PDF gets no policy, because it would block the browser's PDF viewer."""
    headers = response.headers
    headers.update(FIXED_HEADERS)
    if response.mimetype == "text/html":
        headers["Content-Security-Policy"] = page_policy()
    elif response.mimetype != "application/pdf":
        headers["Content-Security-Policy"] = POLICY_WITHOUT_LOADS
    if current_app.config["HTTPS"]:
        headers["Strict-Transport-Security"] = ONE_YEAR
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")


def is_cross_site() -> bool:
    """Whether another site caused the browser to send this request, by Fetch Metadata or the older header Origin."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    origin = request.headers.get("Origin")
    return bool(origin) and url_parts(origin).netloc != request.host


def url_parts(url: str) -> SplitResult:
    """The parts of a URL that a browser sent; empty parts when it is not valid, such as `http://[`."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


@max_body_size(MAX_REPORT_LENGTH)
@limiter.limit("30/minute")
def report_violation() -> tuple[str, int]:
    """Log that a browser blocked something. Only the directive and the blocked site are logged, because addresses may
    contain names."""
    report = _read_report()
    directive = str(report.get("effective-directive") or report.get("violated-directive") or "")
    site = url_parts(str(report.get("blocked-uri") or ""))
    log.warning("a page broke its policy: %s from %s", directive[:40].split(" ")[0], (site.netloc or site.path)[:60])
    return "", 204


def _read_report() -> dict[str, Any]:
    """The CSP report in the body; empty when the body is no report."""
    try:
        body = request.get_json(force=True)
    except BadRequest:
        return {}
    report = body.get("csp-report") if isinstance(body, dict) else None
    return report if isinstance(report, dict) else {}


report_violation.needs = Permission.PUBLIC  # type: ignore[attr-defined]
report_violation.from_browsers = True  # type: ignore[attr-defined]
pages.add_url_rule(REPORT_PATH, view_func=report_violation, methods=["POST"])
