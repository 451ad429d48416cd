"""The lists that are offered as files, and their addresses: `GET /api/<list>/export/`, and for pages `GET /exports/<name>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, g, request, url_for
from marshmallow import Schema

from hms.core.actions import require_permission
from hms.core.api.blueprint import ApiBlueprint, ApiParser
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Choice, Parameters, check_parameters

from .columns import ExportTable
from .files import MIME_TYPES, FileFormat
from .limits import count_export
from .making import ListExport

_parser = ApiParser()
pages = Blueprint("exports", __name__, url_prefix="/exports")
_FILE = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Offer:
    """One offered list: the view of the list and its table. It needs one of the permissions `list_needs`, to see the list, and
    one of `needs`."""

    table: ExportTable
    view: Callable[..., Response]
    list_needs: tuple[Permission, ...]
    needs: tuple[Permission, ...]
    parameters: Schema

    def is_open_to(self, person: Any) -> bool:
        """Whether `person` may have this list as a file."""
        return person.is_authenticated and any(map(person.may, self.needs)) and any(map(person.may, self.list_needs))

    def takes(self, filters: Mapping[str, Any], person: Any) -> bool:
        """Whether `person` may use these filters."""
        return all(self.parameters.fields[name].is_open_to(person, str(value)) for name, value in filters.items())

    def make_response(self) -> Response:
        """The file with the rows that the view would list. What was read of whom, and that it was exported, is recorded."""
        if not any(map(current_person().may, self.list_needs)):
            require_permission(current_person(), self.list_needs[0])
        arguments = _parser.parse(self.parameters, request, location="query")
        export = ListExport(self.table, FileFormat(arguments.get("format", FileFormat.CSV)))
        g.list_export = export
        try:
            with count_export(current_person().id):
                response = self.view()
        finally:
            g.pop("list_export")
        export.record()
        return response


offers: dict[str, Offer] = {}
"""The offered lists by name."""


def offer_export(
    api: ApiBlueprint,
    view: Callable[..., Response],
    table: ExportTable,
    *,
    at: str,
    permission: Permission | None = None,
    with_page: bool = True,
) -> None:
    """Offer the list of the endpoint `view` as a file, at the address `at` of the API (below the list's own) and, with
    `with_page`, at /exports/<name>.

    It takes the filters and the order of the list, and `format`. It needs the permission of the list and, if given,
    `permission`.
    """
    offer = _make_offer(view, table, permission)
    _add_endpoint(api, offer, at)
    if with_page:
        _add_page(offer)


def offer_page_export(
    view: Callable[[], Response], table: ExportTable, filters: Schema, *, permission: Permission | None = None
) -> None:
    """Offer a list that only a page has, with the page's own `filters`, at /exports/<name>. `view` is marked with `requires`
    and returns `page_lists.export_response`."""
    view.parameters = filters  # type: ignore[attr-defined]
    _add_page(_make_offer(view, table, permission))


def _make_offer(view: Callable[..., Response], table: ExportTable, permission: Permission | None) -> Offer:
    list_needs = (view.needs, *view.other_permissions)  # type: ignore[attr-defined]
    needs = list_needs if permission is None else (permission,)
    declared = view.parameters.declared_fields.items()  # type: ignore[attr-defined]
    filters = {name: one for name, one in declared if name not in PAGING}
    return Offer(table, view, list_needs, needs, Parameters.from_dict({**filters, "format": Choice(FileFormat)})())


def _add_endpoint(api: ApiBlueprint, offer: Offer, at: str) -> None:
    @api.get(at, endpoint=f"export_{at.strip('/').replace('/', '_').replace('-', '_')}")
    @requires(*offer.needs)
    @api.arguments(offer.parameters, location="query")
    @api.response(200, _FILE, content_type=MIME_TYPES[FileFormat.CSV])
    def export(_arguments: dict[str, Any]) -> Response:
        """The list as a file, with the rows and the fields that the role sees, and the same filters and order: `format` is
        csv (UTF-8 with BOM) or xlsx. Times are in hospital time."""
        return offer.make_response()


def _add_page(offer: Offer) -> None:
    offers[offer.table.name] = offer

    @pages.get(f"/{offer.table.name}", endpoint=offer.table.name.replace("-", "_"))
    @requires(*offer.needs)
    def export_page() -> Response:
        """The list as a file, for the links of pages."""
        check_parameters(offer.parameters, current_person())
        return offer.make_response()


def export_links(name: str, filters: dict[str, Any]) -> list[tuple[str, str]]:
    """The addresses of the list `name` as a file, by format, with the filters that are set; none when the signed-in person
    may not have it, or not with these filters."""
    offer, person = offers[name], current_person()
    chosen = {name: value for name, value in filters.items() if value not in (None, "")}
    if not (offer.is_open_to(person) and offer.takes(chosen, person)):
        return []
    endpoint = f"exports.{name.replace('-', '_')}"
    return [(one.name, url_for(endpoint, format=one.value, **chosen)) for one in FileFormat]


def install(app: Flask) -> None:
    """Register the addresses for pages, after all desks have offered their lists."""
    app.register_blueprint(pages)
    app.jinja_env.globals["export_links"] = export_links
