"""JSON: the texts of messages to patients."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response
from marshmallow import fields

from hms.core.api.blueprint import ApiBlueprint, ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Choice, Ordering, TextLine, parameters
from hms.messages import exports
from hms.messages.enums import Channel

from . import actions, queries
from .languages import LANGUAGES
from .rules import MAX_SUBJECT, MAX_TEXT

api = ApiBlueprint("message_texts_api", __name__, description="Texts of messages to patients")
PLACE = ("kind", "channel", "language")
TEXTS = parameters(
    **PAGING, kind=TextLine(60), channel=Choice(Channel), language=Choice(LANGUAGES), ordering=Ordering(PLACE)
)


class TextOut(ApiSchema):
    kind = fields.String()
    channel = fields.String()
    language = fields.String()
    subject = fields.String()
    body = fields.String()
    is_changed = fields.Boolean()
    names = fields.List(fields.String())


class TextIn(ApiSchema):
    subject = Text(MAX_SUBJECT)
    body = Text(MAX_TEXT, blank=False, multiline=True, required=True)


def text_json(text: queries.Text) -> dict[str, Any]:
    shown = {name: getattr(text, name) for name in ("language", "subject", "body", "is_changed")}
    return shown | {"kind": text.kind.name, "channel": text.channel.value, "names": list(text.kind.names)}


@api.get("/message_texts/")
@requires(Permission.MANAGE_MESSAGE_TEXTS)
@api.arguments(TEXTS, location="query")
@api.response(200, TextOut(many=True))
def texts(arguments: dict[str, Any]) -> Response:
    """The texts that are used, by kind, channel and language."""
    readers = {
        "kind": attrgetter("kind.name"),
        "channel": attrgetter("channel.value"),
        "language": attrgetter("language"),
    }
    all_texts = queries.list_texts()
    places = {id(text): number for number, text in enumerate(all_texts)}
    rows = filter_rows(all_texts, arguments, **readers)
    return paginated_response(order_rows(rows, arguments, lambda text: (places[id(text)],), **readers), text_json)


offer_export(api, texts, exports.TEXTS, at="/message_texts/export/")


@api.put("/message_texts/<kind>/<channel>/<language>/")
@requires(Permission.MANAGE_MESSAGE_TEXTS)
@api.arguments(TextIn)
@api.response(200, TextOut)
def change(payload: dict[str, Any], kind: str, channel: str, language: str) -> Response:
    """Use another text from now on; 400 for one that uses other names than `names`, or cannot be rendered."""
    with if_match(lambda: queries.find_text(kind, channel, language), text_json) as version:
        actions.change_text(kind, channel, language, **payload, version=version, by=current_person())
    text = queries.find_text(kind, channel, language)
    return resource_response(text_json(text), text.version)
