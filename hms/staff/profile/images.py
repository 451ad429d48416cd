"""Checks an uploaded picture by its content and encodes it again with Pillow before it is stored."""

from __future__ import annotations

import hashlib
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageOps

from hms.core.background.threads import run_in_thread
from hms.core.errors import RuleBroken, Unavailable
from hms.core.settings import logo
from hms.core.text.translation import N_

MAX_BYTES = 2 * 2**20 - 64 * 1024
MAX_PIXELS = 16_000_000
"""Enough for a phone's camera. A small file can declare many more pixels and would take much memory and time to open."""
MAX_CONCURRENT = 2
MAX_WAIT_SECONDS = 10
SIDE_PIXELS = 256
LOGO_SIZES = ((480, 160), (240, 80), (120, 40))
FORMATS = ("JPEG", "PNG", "WEBP")
_FILE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)
TOO_MANY_PIXELS = N_("The picture is larger than 16 million pixels. Choose a smaller one.")
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
"""What Pillow raises for a broken file, also from its EXIF data. `UnidentifiedImageError` is an `OSError`."""
NOT_A_PICTURE = N_("This is not a picture we can read. Choose a JPEG, PNG or WebP file.")


def make_portrait(uploaded: bytes, field: str = "photo") -> bytes:
    """Make a square JPEG of 256 pixels, without place and camera data; raises `RuleBroken` on `field`."""
    return _make_picture(uploaded, field, _reencode)


def make_logo(uploaded: bytes, field: str) -> bytes:
    """Make a PNG of at most 480 by 160 pixels and `logo.MAX_BYTES`; raises `RuleBroken` on `field`."""
    return _make_picture(uploaded, field, _reencode_logo)


def check_picture(uploaded: bytes, field: str) -> None:
    """Raise `RuleBroken` on `field` unless it is a whole JPEG, PNG or WebP picture of a usual size."""
    _make_picture(uploaded, field, _verify)


def _make_picture(uploaded: bytes, field: str, encode: Callable[[bytes], bytes]) -> bytes:
    if not uploaded:
        raise RuleBroken(N_("Choose a picture."), field)
    if len(uploaded) > MAX_BYTES:
        raise RuleBroken(N_("The picture is larger than 1.9 MB. Choose a smaller one."), field)
    if not uploaded.startswith(_FILE_SIGNATURES):
        raise RuleBroken(NOT_A_PICTURE, field)
    try:
        _check_file(uploaded, field)
        return _reencode_limited(uploaded, encode)
    except Image.DecompressionBombError as error:
        raise RuleBroken(TOO_MANY_PIXELS, field) from error
    except UNREADABLE as error:
        raise RuleBroken(NOT_A_PICTURE, field) from error


def _check_file(uploaded: bytes, field: str) -> None:
    """Raise `RuleBroken` when the picture's header declares too many pixels; what Pillow raises when the file is broken.

    Pillow checks this also in a process with WeasyPrint, which lets it load what is left of a cut picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(BytesIO(uploaded), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise RuleBroken(TOO_MANY_PIXELS, field)
            picture.verify()


def _reencode_limited(uploaded: bytes, encode: Callable[[bytes], bytes]) -> bytes:
    """Encode at most two pictures at once, each on a real thread: it limits memory and does not block other requests."""
    if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable(N_("Too many pictures are being sent now. Wait a minute, then try again."))
    try:
        return run_in_thread(encode, uploaded)
    finally:
        _slots.release()


def _verify(uploaded: bytes) -> bytes:
    with Image.open(BytesIO(uploaded), formats=FORMATS) as picture:
        picture.load()
    return uploaded


def _reencode(uploaded: bytes) -> bytes:
    with Image.open(BytesIO(uploaded), formats=FORMATS) as picture:
        picture.draft("RGB", (2 * SIDE_PIXELS, 2 * SIDE_PIXELS))
        upright = _upright(picture).convert("RGB")
    encoded = BytesIO()
    ImageOps.fit(upright, (SIDE_PIXELS, SIDE_PIXELS)).save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as the camera's data say that it stands; as it is when only these data are broken."""
    try:
        return ImageOps.exif_transpose(picture)
    except UNREADABLE:
        return picture


def _reencode_logo(uploaded: bytes) -> bytes:
    """A PNG that is small enough for every page: fewer colours, then fewer pixels."""
    with Image.open(BytesIO(uploaded), formats=FORMATS) as picture:
        upright = _upright(picture).convert("RGBA")
    for size in LOGO_SIZES:
        smaller = upright.copy()
        smaller.thumbnail(size)
        for version in (smaller, smaller.quantize(64)):
            encoded = BytesIO()
            version.save(encoded, "PNG", optimize=True)
            if encoded.tell() <= logo.MAX_BYTES:
                return encoded.getvalue()
    raise ValueError("the picture has no small version")


def content_mark(image: bytes) -> str:
    """A short hash of the picture, for its URL and its ETag."""
    return hashlib.sha256(image).hexdigest()[:16]
