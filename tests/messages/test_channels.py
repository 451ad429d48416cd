"""Requests to gateways, answers, odd addresses, the size of an SMS, and what a text may hold: without a database."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from hms.core.errors import RuleBroken
from hms.core.text import gateway_templates as templates
from hms.core.text.web_address import check_web_address
from hms.messages.channels.gateway import BODIES, FORM, JSON, Gateway, build_request, read_answer, read_number, send
from hms.messages.channels.results import Outcome
from hms.messages.channels.sms_parts import GSM_BASIC, GSM_EXTENDED, measure_sms
from hms.messages.enums import Channel
from hms.messages.kinds import all_kinds
from hms.messages.texts import rules
from hms.messages.texts.languages import LANGUAGES, find_language

URL, TOKEN = "https://sms.example/v1/send", 'tok"en\r\nX: 1'
ODD = 'Fr. 5 & "ü"\\ €\n{{ token }}'


def _request(**more):
    return build_request(
        Gateway(**({"url": URL, "sender": "Bay", "token": TOKEN} | more)), "+23276123476", ODD, "hms-1-1"
    )


def test_each_shape_writes_every_value_as_its_place_needs():
    form = parse_qs(_request().body.decode())
    assert (form["to"], form["text"], form["from"]) == (["+23276123476"], [ODD], ["Bay"])
    sent = _request(shape="json_bearer")
    assert json.loads(sent.body) == {"to": "+23276123476", "text": ODD, "from": "Bay"}
    assert (sent.headers["Content-Type"], sent.headers["Authorization"]) == (JSON, 'Bearer tok"enX: 1')
    got = _request(method="GET", url=URL + "?n={{ to_digits }}&m={{text}}&key={{ token }}")
    assert parse_qs(urlsplit(got.url).query) == {"n": ["23276123476"], "m": [ODD], "key": [TOKEN]}
    assert got.body is None
    own = _request(
        headers="X-Api-Key: {{ token }} | Accept: text/plain",
        body='{"r": ["{{ to }}"], "i": "{{ reference }}"}',
        shape="json",
    )
    assert json.loads(own.body) == {"r": ["+23276123476"], "i": "hms-1-1"}
    assert (own.headers["X-Api-Key"], own.headers["Accept"]) == ('tok"enX: 1', "text/plain")
    assert set(BODIES) == {FORM, JSON}


@pytest.mark.parametrize(
    ("status", "body", "more", "outcome", "number"),
    [
        (200, '{"id": 17}', {}, Outcome.SENT, "17"),
        (202, '{"messages": [{"id": "a-1"}]}', {"id_field": "messages.0.id"}, Outcome.SENT, "a-1"),
        (200, "OK id: 99x", {}, Outcome.SENT, "99x"),
        (200, '{"id": {"a": 1}}', {}, Outcome.SENT, ""),
        (200, "[" * 60_000, {}, Outcome.SENT, ""),
        (200, "ERROR 12", {"success": "ok"}, Outcome.REFUSED, ""),
        (200, "Ok, queued", {"success": "OK"}, Outcome.SENT, ""),
        (302, "", {}, Outcome.REFUSED, ""),
        (400, "bad number", {}, Outcome.REFUSED, ""),
        (401, TOKEN, {}, Outcome.FAILED, ""),
        (429, "", {}, Outcome.FAILED, ""),
        (500, "", {}, Outcome.FAILED, ""),
        (502, "", {}, Outcome.UNKNOWN, ""),
        (504, "", {}, Outcome.UNKNOWN, ""),
        (520, "", {}, Outcome.UNKNOWN, ""),
        (524, "", {}, Outcome.UNKNOWN, ""),
    ],
)
def test_an_answer_means_what_the_settings_say(status, body, more, outcome, number):
    result = read_answer(Gateway(URL, token=TOKEN, **more), status, body.encode())
    assert (result.outcome, result.gateway_id) == (outcome, number)
    assert TOKEN not in result.words
    assert len(result.words) <= 300


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://a.example", "gateway.example", "https://", "http:///x", "http://a b", "http://a\r\nb",
     "http://a.example:99999/", "http://[::1", "http://u:p@a.example/", "http://a.example/?api_key=geheim1", "javascript:1",
     "http://ä.example/", "http://{{ to }}/"],
)  # fmt: skip
def test_an_odd_address_is_refused_when_saved_and_when_used(address):
    with pytest.raises(RuleBroken):
        check_web_address(address)
    result = send(Gateway(address), "+23276123476", "x", "r")
    assert result.outcome is Outcome.FAILED
    assert result.words


def test_what_is_no_phone_number_is_refused_before_anything_is_sent():
    for wrong in ("ask sister", "076123456/077654321", "1234", "٠٧٦١٢٣٤٥٦", "+"):
        assert send(Gateway("http://127.0.0.1:9/"), wrong, "x", "r").outcome is Outcome.REFUSED
    assert read_number("+232 (76) 123-4.56") == "+23276123456"
    assert send(Gateway("http://127.0.0.1:9/"), "076 123 456", "x", "r").outcome is Outcome.FAILED


def test_nobody_saves_a_password_or_an_unknown_name_in_a_setting():
    for check, text in (
        (templates.check_headers, "Authorization: Bearer abc"),
        (templates.check_headers, "no colon"),
        (templates.check_headers, "X: {{ nobody }}"),
        (templates.check_body, "to={{ to }}&password=geheim"),
        (templates.check_body, '{"apiKey": "geheim"}'),
        (templates.check_placeholders, "{{ to"),
        (templates.check_placeholders, "{{ patient }}"),
    ):
        with pytest.raises(RuleBroken):
            check(text)
    templates.check_headers("Authorization: Basic {{ token }} | Accept: application/json")
    templates.check_body('{"apiKey": "{{ token }}", "to": "{{ to }}"}')


@pytest.mark.parametrize(
    ("text", "places", "parts"),
    [
        ("", 0, 0),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("a" * 152 + "€" + "a" * 152, 306, 3),  # the euro does not fit at the end of the first part
        ("ê" * 70, 70, 1),
        ("ê" * 71, 71, 2),
        ("ê" * 134, 134, 2),
        ("ê" * 135, 135, 3),
        ("😀" * 35, 70, 1),
        ("a" * 66 + "😀" + "a" * 66, 134, 3),
    ],
)
def test_the_places_and_parts_of_an_sms(text, places, parts):
    size = measure_sms(text)
    assert (size.places, size.parts) == (places, parts)
    assert (len(GSM_BASIC), len(GSM_EXTENDED)) == (127, 10), "the alphabet of 3GPP TS 23.038 without the escape"


def test_a_text_reaches_nothing_but_its_names():
    for text in (
        "{{ diagnosis }}",
        "{{ patient.__class__ }}",
        "{{ patient|length }}",
        "{% for c in patient %}x{% endfor %}",
        "{{ 'a' * 9 }}",
        "{{ patient() }}",
        "{{ patient[0] }}",
        "{% set x = 1 %}",
        "{{ patient",
        "{% if patient %}",
        "{% include 'x' %}",
        "{{ " + "(" * 450 + "patient" + ")" * 450 + " }}",
        "{{ " + "not " * 240 + "patient }}",
    ):
        with pytest.raises(RuleBroken):
            rules.render(text, {"patient": "x"})
    assert (
        rules.render("{% if not phone and patient %}{{ patient }}!{% endif %}", {"patient": "{{ x }}", "phone": ""})
        == "{{ x }}!"
    )


def test_every_kind_has_a_text_on_each_channel_in_each_language_of_one_or_two_parts(app):
    assert {"appointment.reminder", "appointment.booked", "appointment.moved", "appointment.cancelled"} <= set(
        all_kinds()
    )
    for kind in all_kinds().values():
        used = {channel for channel, _language in kind.texts} if kind.is_for_staff else set(map(str, Channel))
        assert set(kind.texts) == {(channel, language) for channel in used for language in LANGUAGES}
        values = dict.fromkeys(kind.names, "Mon 30 Nov 09:15")
        for (channel, _language), (subject, body) in kind.texts.items():
            assert rules.render(body, values)
            assert rules.render(body, values | dict.fromkeys(rules.MAY_BE_BLANK, ""))
            assert bool(subject and rules.render(subject, values)) == (channel == "email")
            assert channel == "email" or measure_sms(rules.render(body, values)).parts <= 2
    assert [find_language(word) for word in ("French", "FRANÇAIS", "fr", "Krio", "", "português")] == [
        "fr", "fr", "fr", None, None, "pt"]  # fmt: skip
