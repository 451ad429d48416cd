"""A picture somebody uploads: recognised by its content, made anew by Pillow, and only then kept."""

from __future__ import annotations

import hashlib
import threading
import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from hms.core.background.threads import run_in_thread
from hms.core.errors import RuleBroken, Unavailable
from hms.core.text.translation import N_

MAX_BYTES = 2 * 2**20 - 64 * 1024
MAX_PIXELS = 16_000_000
"""What a phone's camera makes. A small file may claim many more pixels, and would take much memory and time to open."""
MAX_CONCURRENT = 2
MAX_WAIT_SECONDS = 10
SIDE_PIXELS = 256
FORMATS = ("JPEG", "PNG", "WEBP")
_FILE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)
TOO_MANY_PIXELS = N_("The picture is larger than 16 million pixels. Choose a smaller one.")
NOT_A_PICTURE = N_("This is not a picture we can read. Choose a JPEG, PNG or WebP file.")


def make_portrait(uploaded: bytes, field: str = "photo") -> bytes:
    """A square JPEG of 256 pixels from what was uploaded, without its place and camera; `RuleBroken` on `field` otherwise."""
    if not uploaded:
        raise RuleBroken(N_("Choose a picture."), field)
    if len(uploaded) > MAX_BYTES:
        raise RuleBroken(N_("The picture is larger than 1.9 MB. Choose a smaller one."), field)
    if not uploaded.startswith(_FILE_SIGNATURES):
        raise RuleBroken(NOT_A_PICTURE, field)
    try:
        _check_size(uploaded, field)
        return _reencode_limited(uploaded)
    except Image.DecompressionBombError as bad:
        raise RuleBroken(TOO_MANY_PIXELS, field) from bad
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, MemoryError) as bad:
        raise RuleBroken(NOT_A_PICTURE, field) from bad


def _check_size(uploaded: bytes, field: str) -> None:
    """Read the picture's head only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(BytesIO(uploaded), formats=FORMATS) as sniffed:
            if sniffed.width * sniffed.height > MAX_PIXELS:
                raise RuleBroken(TOO_MANY_PIXELS, field)


def _reencode_limited(uploaded: bytes) -> bytes:
    """Two pictures at once, each on a real thread: what they hold in memory stays small, and other requests go on."""
    if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable(N_("Too many pictures are being sent now. Wait a minute, then try again."))
    try:
        return run_in_thread(_reencode, uploaded)
    finally:
        _slots.release()


def _reencode(uploaded: bytes) -> bytes:
    with Image.open(BytesIO(uploaded), formats=FORMATS) as sniffed:
        sniffed.verify()
    with Image.open(BytesIO(uploaded), formats=FORMATS) as picture:
        picture.draft("RGB", (2 * SIDE_PIXELS, 2 * SIDE_PIXELS))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    made = BytesIO()
    ImageOps.fit(upright, (SIDE_PIXELS, SIDE_PIXELS)).save(made, "JPEG", quality=85)
    return made.getvalue()


def content_mark(image: bytes) -> str:
    """Changes with the picture."""
    return hashlib.sha256(image).hexdigest()[:16]
