"""Compiled templates say what Jinja would say, in the reader's language."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, render_template, request
from flask.templating import Environment
from jinja2 import StrictUndefined, UndefinedError
from markupsafe import Markup

from hms.core.compiling import Pages
from hms.core.speaking import Languages

MACROS = """
{% macro tag(name, text, small=False) -%}
<{{ name }}{% for key, value in kwargs.items() %} {{ key }}="{{ value }}"{% endfor %}>{{ text }}{{ "!" if small }}</>
{%- endmacro %}
{% macro box(title="Box & lid") -%}<p title="{{ title }}">{% if caller is defined %}{{ caller() }}{% endif %}</p>{%- endmacro %}
"""
PAGE = """{% from "macros.html" import tag, box %}
{{ tag("b", wild) }}{{ tag("i", "<i>" | safe, small=True, **{"data-ux": wild, "class": "a b"}) }}
{% for n in range(3) %}{{ tag("li", n, small=n == 1) }}{{ wild ~ n }}{{ loop.index }}{% endfor %}
{% call box(title=_("Ward %(name)s", name=wild)) %}{{ wild }}{{ tame }}{% endcall %}{{ box() }}
{% set both = wild ~ tame %}{{ both }}{% set plain = wild ~ 1 %}{{ plain }}{{ plain | length }}{{ "x" ~ (" y" if wild == 1) }}
{{ _("%(num)s beds, 10%% free", num=4.5) }}{{ _("Beds") }}{{ _(wild) }}{{ ngettext("%(num)s bed", "%(num)s beds", 2) }}
{{ none }}{{ 1.5 }}{{ [wild, tame] }}{{ {"a": _("Beds")}["a"] ~ wild }}{% filter upper %}{{ _("Beds") }}{{ wild }}{% endfilter %}
"""
WRONG = ("{{ missing }}", "{{ missing() }}", "{{ missing ~ 'x' }}", '{{ _("%(a)s", b=1) }}', "{{ tag('b', 1, 2, 3) }}")


@pytest.fixture
def hospital(tmp_path: Path):
    """An application with two templates and a French catalogue; `hospital(kind)` renders with that kind of environment."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/macros.html").write_text(MACROS)
    french = tmp_path / "translations/fr/LC_MESSAGES"
    french.mkdir(parents=True)
    catalogue = Catalog(locale="fr")
    for english, said in (
        ("Beds", "Lits"),
        ("Ward %(name)s", "%(name)s, salle"),
        ("%(num)s beds, 10%% free", "10%% libres : %(num)s"),
    ):
        catalogue.add(english, said)
    with (french / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)

    def render(kind: type[Environment], source: str, language: str = "en") -> str:
        (tmp_path / "templates/page.html").write_text('{% from "macros.html" import tag, box %}' + source)
        app = Flask("hospital", root_path=str(tmp_path))
        app.jinja_environment = kind
        app.jinja_env.undefined = StrictUndefined
        Languages(app, locale_selector=lambda: request.args["language"])
        with app.test_request_context(f"/?language={language}"):
            return render_template("page.html", wild="<a href='x'>&", tame=Markup("<em>ok</em>"))

    return render


@pytest.mark.parametrize("language", ["en", "fr", "sw"])
def test_a_page_says_what_jinja_would_say(hospital, language):
    assert hospital(Pages, PAGE, language) == hospital(Environment, PAGE, language)


def test_each_language_has_its_own_words(hospital):
    page = '{{ _("Beds") }} {{ _("Ward %(name)s", name="<A>") }} {{ _("%(num)s beds, 10%% free", num=3) }}'
    assert hospital(Pages, page, "fr") == "Lits &lt;A&gt;, salle 10% libres : 3"
    assert hospital(Pages, page, "en") == "Beds Ward &lt;A&gt; 3 beds, 10% free"


@pytest.mark.parametrize("source", WRONG)
def test_a_mistake_in_a_template_is_not_passed_over(hospital, source):
    with pytest.raises((UndefinedError, KeyError, TypeError)):
        hospital(Pages, source)
