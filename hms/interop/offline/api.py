"""Endpoint that receives a batch of offline entries."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from hms.core.api.blueprint import ApiSchema
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires

from . import actions
from . import sync as offline_sync
from .batch_json import BatchBlueprint

api = BatchBlueprint("interop_api", __name__, description="What was entered offline")


class OfflineBatchIn(ApiSchema):
    """`batch` has items `{"model", "key", "fields"}`: `fields` as in a direct call, `key` the device's key for the entry."""

    batch = fields.List(
        fields.Raw(allow_none=True),
        required=True,
        validate=validate.Length(
            max=actions.MAX_ENTRIES, error=N_("Send at most 100 entries at a time; the rest in the next batch.")
        ),
    )


class OfflineBatchOut(ApiSchema):
    status = fields.String(metadata={"enum": ["success", "partial"]})
    results = fields.List(fields.Dict())


@api.post("/sync_offline_data/")
@requires(Permission.SYNC_OFFLINE)
@api.arguments(OfflineBatchIn)
@api.response(200, OfflineBatchOut)
def sync(payload: dict[str, Any]) -> dict[str, Any]:
    """Save entries made on a device without network. Each entry is handled like a direct call by the same person; a batch
    may be sent again. A patient's entry whose `unique_id` is an existing hospital number changes that patient: the fields
    that were sent. An entry may refer to another by its key (`"patient": "K1"`), of this batch or of an earlier one, in any
    order. The same key with other fields is a conflict (409) and changes nothing. An entry that is refused refuses no
    other; refused entries are listed for the person at `/offline-entries`."""
    results = offline_sync.replay_batch(payload["batch"], by=current_person())
    is_complete = all(result["status"] < 300 for result in results)
    return {"status": "success" if is_complete else "partial", "results": results}
