"""An uploaded file, checked before the action that stores it: type, size, readable picture, virus scanner."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hms.core.settings import store as settings
from hms.staff.profile import images

from . import rules, scanner

PICTURES = (rules.JPEG, rules.PNG)


@dataclass(frozen=True)
class CheckedFile:
    """A file that may be stored."""

    content: bytes
    mimetype: str
    scan: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


def check_file(content: bytes, field: str = "file") -> CheckedFile:
    """Check a document; raises `RuleBroken` at `field`, `Unavailable` while a required scanner is away."""
    mimetype = rules.check_type(content, settings.value("documents.max_size_kb") * 1000, field)
    if mimetype in PICTURES:
        images.check_picture(content, field)
    return CheckedFile(content, mimetype, scanner.scan(content, field))


def check_photo(content: bytes, field: str = "file") -> CheckedFile:
    """Check a photo and encode it again, small and without the data of the camera; raises as `check_file`."""
    portrait = images.make_portrait(content, field)
    return CheckedFile(portrait, rules.JPEG, scanner.scan(content, field))
