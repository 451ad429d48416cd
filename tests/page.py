"""A test client that checks every page it fetches: one heading, a title that names it, tokens in forms, no doubled ids."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

NEVER_SHOWN = re.compile(r"\bNone\b|\bundefined\b|\bNaN\b|Invalid Date|&lt;/?[a-z]+&gt;|\b\d{4}-\d{2}-\d{2}\b")
KEPT_FOR_ONE_REQUEST = (
    "claim",
    "claims_at_end",
    "is_work_undone",
    "csp_nonce",
    "csrf_token",
    "nav_items",
    "token_fault",
    "session_ended",
    "queries",
    "_flask_babel",
    "catalogue",
    "is_over_capacity",
)
OF_THE_SHELL = ("/logout", "/lock")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """The parts of a page that tests look at."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.h1: list[str] = []
        self.title = ""
        self.ids: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.ux: list[str] = []
        self.inline: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self._textarea = ""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids.append(given["id"] or "")
        if given.get("data-ux"):
            self.ux.append(given["data-ux"] or "")
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "h1":
            self.h1.append("")
        if tag == "form":
            self.forms.append(
                {"method": (given.get("method") or "get").lower(), "action": given.get("action"), "fields": {}}
            )
        if (
            tag in ("input", "textarea", "select", "button")
            and self.forms
            and "form" in self._open
            and given.get("name")
        ):
            self._field(tag, given)
        if tag == "option" and "selected" in given and self._select:
            self.forms[-1]["fields"][self._select] = given.get("value") or ""

    def _field(self, tag: str, given: dict[str, str | None]) -> None:
        fields = self.forms[-1]["fields"]
        is_choice = given.get("type") in ("radio", "checkbox")
        if tag == "button" or given.get("type") == "submit" or (is_choice and "checked" not in given):
            return
        self._select = given["name"] or "" if tag == "select" else ""
        fields.setdefault(given["name"], given.get("value") or ("on" if is_choice else ""))
        self._textarea = given["name"] or "" if tag == "textarea" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            return
        if self._open and self._open[-1] == "textarea" and self._textarea:
            self.forms[-1]["fields"][self._textarea] += data.lstrip("\r\n")
            return
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        if "h1" in self._open:
            self.h1[-1] += data
        self.text.append(data)


def words(html: str) -> str:
    """What a person reads on the page, blanks folded."""
    return " ".join(" ".join(Page(html).text).split())


def said(client: PageClient, path: str, ending: str = "", to: str = "", **typed: Any) -> str:
    """What the page says that follows the form of the page `path` whose address ends with `ending`, sent by its button that
    sends it `to` another address."""
    page = Page(client.get(path).get_data(as_text=True))
    forms = [form for form in page.forms if form["method"] == "post" and form["action"] not in OF_THE_SHELL]
    form = next(form for form in forms if (form["action"] or path).endswith(ending))
    answer = client.post(to or form["action"] or path, data={**form["fields"], **typed})
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    return words(client.get(answer.location).get_data(as_text=True))


class PageClient(FlaskClient):
    """Fetches pages like a browser, and fails on a page that breaks the rules for pages."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app, use_cookies=True)
        self.checks = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        g.pop("_login_user", None)
        for name in KEPT_FOR_ONE_REQUEST:
            g.pop(name, None)
        response = super().open(*args, **kwargs)
        if self.checks and response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 307):
            check(response)
        return response

    def queries(self, path: str) -> int:
        """How many statements a warm fetch of `path` takes (the first one may fill caches)."""
        self.get(path)
        return int(self.get(path).headers["X-Queries"])

    def form(self, path: str, number: int | None = None, **typed: Any) -> TestResponse:
        """Fetch `path`, fill its (first POST, or `number`th) form with `typed`, send it."""
        page = Page(self.get(path).get_data(as_text=True))
        posts = [
            form
            for form in page.forms
            if form["method"] == "post" and (path == "/logout" or form["action"] not in OF_THE_SHELL)
        ]
        form = posts[number or 0]
        return self.post(form["action"] or path, data={**form["fields"], **typed})

    def send(self, path: str, **typed: Any) -> TestResponse:
        """Send `typed` to an address that a script of a page calls, with the token of a page."""
        page = Page(self.get("/profile").get_data(as_text=True))
        token = next(form["fields"]["csrf_token"] for form in page.forms if form["method"] == "post")
        return self.post(path, data=typed, headers={"X-CSRFToken": token})


def check(response: TestResponse) -> None:
    """The rules that hold for every full page and every fragment."""
    html = response.get_data(as_text=True)
    page = Page(html)
    where = f"{response.request.method} {response.request.path}"
    assert page.inline == [], f"{where}: inline style or handler {page.inline}"
    doubled = {i for i in page.ids if page.ids.count(i) > 1}
    assert not doubled, f"{where}: ids used twice {doubled}"
    shown = NEVER_SHOWN.search(" ".join(page.text))
    assert not shown, f"{where}: shows {shown.group()!r}"
    for form in page.forms:
        assert form["method"] != "post" or "csrf_token" in form["fields"], f"{where}: form without token"
    if "<html" in html:
        assert len(page.h1) == 1, f"{where}: {len(page.h1)} h1"
        heading = " ".join(page.h1[0].split())
        title = " ".join(page.title.split()).removeprefix("Error: ")
        assert title.endswith("HMS"), f"{where}: title {title!r}"
        assert heading.split(" ")[0] in title, f"{where}: title {title!r} does not name {heading!r}"
