"""A picture somebody uploads: recognised by its content, made anew by Pillow, and only then kept."""

from __future__ import annotations

import hashlib
import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from hms.core.errors import RuleBroken
from hms.core.words import _

LARGEST_BYTES = 2 * 2**20 - 64 * 1024
MOST_PIXELS = 25_000_000
SIDE = 256
FORMATS = ("JPEG", "PNG", "WEBP")
_SIGNS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
NO_PICTURE = _("This is not a picture we can read. Choose a JPEG, PNG or WebP file.")


def portrait(uploaded: bytes, field: str = "photo") -> bytes:
    """A square JPEG of 256 pixels from what was uploaded, without its place and camera; `RuleBroken` on `field` otherwise."""
    if not uploaded:
        raise RuleBroken(_("Choose a picture."), field)
    if len(uploaded) > LARGEST_BYTES:
        raise RuleBroken(_("The picture is larger than 1.9 MB. Choose a smaller one."), field)
    if not uploaded.startswith(_SIGNS):
        raise RuleBroken(NO_PICTURE, field)
    try:
        return _made_anew(uploaded, field)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, MemoryError) as bad:
        raise RuleBroken(NO_PICTURE, field) from bad


def _made_anew(uploaded: bytes, field: str) -> bytes:
    with Image.open(BytesIO(uploaded), formats=FORMATS) as sniffed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if sniffed.width * sniffed.height > MOST_PIXELS:
            raise RuleBroken(_("The picture has more than 25 million pixels. Choose a smaller one."), field)
        sniffed.verify()
    with Image.open(BytesIO(uploaded), formats=FORMATS) as picture, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    made = BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE)).save(made, "JPEG", quality=85)
    return made.getvalue()


def mark(image: bytes) -> str:
    """Changes with the picture."""
    return hashlib.sha256(image).hexdigest()[:16]
