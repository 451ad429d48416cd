"""Sentences are translated and filled in where they are shown, and stay English where they are stored."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, render_template_string, request
from flask_babel import Babel, lazy_gettext
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import NotAllowed, RuleBroken
from hms.core.permissions import LABELS, ROLE_NAMES, Role
from hms.core.text.cleaning import TextError, clean
from hms.core.text.translation import Sentence, joined
from hms.core.web.forms import ActionForm
from hms.core.web.localisation import in_english, translate, translate_error
from tests.catalogues import offered

pytestmark = pytest.mark.security("J")

FRENCH = {
    "Allergy recorded: %(text)s.": "Allergie notée : %(text)s.",
    "%(alert)s Choose a reason.": "%(alert)s Choisissez un motif.",
    "penicillin": "pénicilline",
    "Doctor": "Médecin",
    "Ask a %(role)s.": "Demandez à un %(role)s.",
    "Wait.": "Attendez.",
}
ALERT = Sentence("Allergy recorded: %(text)s.", text="penicillin")


@pytest.fixture
def french(tmp_path):
    """A request of somebody who reads French."""
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = Catalog(locale="fr")
    for english, words in FRENCH.items():
        catalogue.add(english, words)
    with (folder / "messages.mo").open("wb") as out:
        write_mo(out, catalogue)
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(tmp_path)
    Babel(app, locale_selector=lambda: request.args.get("language", "fr"))
    app.jinja_env.filters["translate"] = translate
    with app.test_request_context():
        yield app


def test_the_sentence_is_translated_and_its_values_are_not(french):
    refusal = RuleBroken("%(alert)s Choose a reason.", "override_reason", alert=ALERT)
    assert translate_error(refusal) == "Allergie notée : penicillin. Choisissez un motif."
    assert str(refusal) == "Allergy recorded: penicillin. Choose a reason."
    assert translate_error(NotAllowed.from_error(refusal)) == translate_error(refusal)
    assert translate_error(RuleBroken(ALERT)) == "Allergie notée : penicillin."


def test_sentences_that_follow_each_other_are_each_translated(french):
    both = joined((ALERT, Sentence("Wait.")))
    assert translate(both) == "Allergie notée : penicillin. Attendez."
    assert str(both) == "Allergy recorded: penicillin. Wait."


def test_a_lazy_label_is_read_by_people_and_stored_in_english(french):
    told = Sentence("Ask a %(role)s.", role=lazy_gettext("Doctor"))
    assert translate(told) == "Demandez à un Médecin."
    assert in_english(told) == "Ask a Doctor."
    assert in_english(lazy_gettext("Doctor")) == "Doctor"
    assert str(told) == "Ask a Médecin.", "only `in_english` asks a label for its English"


def test_a_role_is_stored_by_the_english_of_what_people_read():
    assert ROLE_NAMES.keys() == LABELS.keys() == set(Role)
    assert {role: in_english(label) for role, label in LABELS.items()} == ROLE_NAMES


def test_a_template_escapes_what_a_sentence_was_filled_with(french):
    typed = "<script>alert(1)</script> 50% %s %(x)s"
    shown = render_template_string("{{ told | translate }}", told=Sentence("Allergy recorded: %(text)s.", text=typed))
    assert shown == "Allergie notée : &lt;script&gt;alert(1)&lt;/script&gt; 50% %s %(x)s."
    assert "<" not in render_template_string("{{ told }}", told=Sentence("Allergy recorded: %(text)s.", text=typed))


def test_refused_text_has_a_message_with_values():
    with pytest.raises(TextError) as refused:
        clean("x" * 12, longest=10)
    assert str(refused.value) == "Use at most 10 characters; this has 12."
    assert refused.value.sentence.values == {"longest": 10, "count": 12}


def test_sentences_of_wtforms_are_in_the_readers_language(app, tmp_path):
    class Urgency(ActionForm):
        level = SelectField("Urgency", choices=[SelectChoice("low", "Low")])

    def refused(reader: str) -> list[str]:
        with app.test_request_context(headers={"Accept-Language": reader}):
            form = Urgency(ImmutableMultiDict({"level": "other"}), meta={"csrf": False})
            assert not form.validate()
            return form.level.errors

    with offered(app, tmp_path, "fr", FRENCH):
        answers = [refused(reader) for reader in ("fr", "en", "sw", "fr")]
    assert answers == [
        ["N'est pas un choix valide."],
        ["Not a valid choice."],
        ["Not a valid choice."],
        ["N'est pas un choix valide."],
    ]
