"""Cleaning of typed text, escaping for LIKE, and folding for comparison."""

from __future__ import annotations

import re
import unicodedata

from hms.core.errors import RuleBroken

from .translation import N_, Sentence

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u206a-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
FIRST_JOINED = 0x600
"""The first character of the scripts and signs that a joiner or a variation selector changes."""
_JOINERS = re.compile("[\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]")
_LINE_BREAK = re.compile(r"[\r\n\t\u2028\u2029]")


_SPELLINGS = {
    "a": "ɑɒʌⱥɐ",
    "ae": "æ",
    "b": "ƀƃɓʙꞵƅ",
    "c": "ƈȼɕʗʧʨꞔ",
    "d": "ðđƌɖɗɟƍẟꟈȡ",
    "db": "ȸ",
    "dz": "ʣʥ",
    "e": "ǝəɛɘɇɚɜɝɞʚ",
    "f": "ƒɸʩ",
    "g": "ɠɣɡǥꝿɢʛ",
    "h": "ħɥɦⱨʮʯⱶɧʜ",
    "hv": "ƕ",
    "i": "ıɩɨɪ",
    "j": "ɉʄȷʤʝ",
    "k": "ƙⱪʞ",
    "l": "łɫɬɭɮƚƛʎꞁȴʟ",
    "ll": "ỻ",
    "ls": "ʪ",
    "lz": "ʫ",
    "m": "ɱ",
    "n": "ŋɲɳƞȵɴ",
    "o": "øɔɵɤꞷⱷ",
    "oe": "œɶ",
    "oi": "ƣ",
    "p": "ƥᵽ",
    "q": "ĸɋʠ",
    "qp": "ȹ",
    "r": "ɍɽɾɹɺɻɿʁⱹꞃꝛɼʀ",
    "s": "ʃʂȿꞎƨƪƽʅʆꞅꟊẜẝ",
    "t": "ŧƭʈⱦʇƫȶ",
    "th": "þ",
    "ts": "ʦ",
    "u": "ʉʊȣɯɷ",
    "v": "ʋⱱỽ",
    "w": "ⱳƿɰʍʬ",
    "x": "ꭓ",
    "y": "ƴɏȝʏỿ",
    "z": "ƶȥʒɀⱬƹƺƻʓʐʑ",
    "'": "ƾǀǁǂǃʕʖʘʡʢӏʭʼ",
    "а": "әӕ",
    "в": "ԝ",
    "г": "ғґҕӷӻ",
    "д": "ђԁ",
    "е": "є",
    "ж": "җџ",
    "з": "ҙѕӡ",
    "и": "іјҋ",
    "к": "қҝҟҡӄԟԛ",
    "л": "љӆԓԡ",
    "м": "ӎ",
    "н": "ңҥњӈӊԣԩ",
    "о": "өҩ",
    "п": "ҧԥ",
    "р": "ҏ",
    "с": "ҫԍ",
    "т": "ҭԏ",
    "у": "үұ",
    "х": "ҳһӽӿ",
    "ц": "ҵ",
    "ч": "ҷҹӌҽҿћ",
    "ь": "ҍ",
    "э": "ԑ",
    "": "·ʾ",
}
_SIGNS = {
    "'": "`´ʔɂɁʹʻʼʽʾʿˈˊˋ˙ˮ՚׳ߴߵ᾽᾿‘’‛′‵❛❜ꞌꞋ＇",
    "-": "˗־᠆‐‑‒–—―⁃−゠﹘﹣－",
}
_LETTERS = str.maketrans({letter: plain for plain, letters in _SPELLINGS.items() for letter in letters})
"""Letters of African, European and Central Asian languages that have no accent to take away. What NFKD leaves of `ŀ` and `ẚ`
is left out."""
_APOSTROPHES_AND_HYPHENS = str.maketrans({sign: plain for plain, signs in _SIGNS.items() for sign in signs})


class TextError(ValueError):
    """Typed text that is not allowed; `sentence` says what the user should change."""

    def __init__(self, message: str, /, **values: object) -> None:
        self.sentence = Sentence(message, **values)
        super().__init__(self.sentence)


def clean(text: str | None, *, longest: int, multiline: bool = False) -> str:
    """`text` in NFC, without blanks at both ends, with `\\n` as line break and without characters that show nothing
    (such as U+200B); None counts as empty text.

    `TextError` for control characters, lone surrogates, bidirectional overrides, more than `longest` characters, or text in
    which nothing is visible.
    """
    cleaned = without_invisible(unicodedata.normalize("NFC", text or "")).strip().replace("\r\n", "\n")
    if _CONTROL.search(cleaned) or (not multiline and _LINE_BREAK.search(cleaned)):
        raise TextError(N_("Remove the characters that cannot be displayed."))
    if cleaned and not any(unicodedata.category(c)[0] in "LNPS" for c in cleaned):
        raise TextError(N_("Enter some text."))
    if len(cleaned) > longest:
        count = len(cleaned)
        raise TextError(N_("Use at most %(longest)s characters; this has %(count)s."), longest=longest, count=count)
    return cleaned


def without_invisible(text: str) -> str:
    """`text` without invisible characters, which would make two names that look the same. Joiners, variation selectors and
    tags stay where they change what is seen: after a letter of Arabic or Indic scripts, and in emoji."""
    if text.isascii():
        return text
    shown = ""
    for character in text:
        changes_what_is_seen = _JOINERS.match(character) and shown and ord(shown[-1]) >= FIRST_JOINED
        shown += character if changes_what_is_seen or not _INVISIBLE.match(character) else ""
    return shown


def clean_field(text: str | None, field: str, *, longest: int, multiline: bool = False) -> str:
    """`clean(text)`; `RuleBroken` at `field` instead of `TextError`."""
    try:
        return clean(text, longest=longest, multiline=multiline)
    except TextError as error:
        raise RuleBroken(error.sentence, field) from error


def clean_name(text: str | None, field: str, *, longest: int) -> str:
    """`clean_field` of a name: with single blanks between its words."""
    return " ".join(clean_field(text, field, longest=longest).split())


def clean_reason(text: str | None, *, longest: int) -> str:
    """`clean_field` of the reason that a change needs; `RuleBroken` at `reason` without one."""
    cleaned = clean_field(text, "reason", longest=longest)
    if not cleaned:
        raise RuleBroken(N_("Enter the reason."), "reason")
    return cleaned


def without_control_characters(text: str) -> str:
    """`text` without the characters that `clean` refuses, to show a refused form again."""
    return _CONTROL.sub("", text)


def escape_like(term: str) -> str:
    """`term` in NFKC, escaped for LIKE with `\\` as escape character; the caller adds the `%`."""
    return re.sub(r"([\\%_])", r"\\\1", unicodedata.normalize("NFKC", term))


def search_text(typed: str | None, *, longest: int = 100) -> str:
    """The text to search for: `typed` with blanks instead of characters that cannot be displayed.

    When only such characters were typed, the result is a character that matches nothing (`is_only_punctuation`), because an
    empty search finds everything.
    """
    visible = without_invisible((typed or "")[:longest])
    printable = "".join(c if c.isprintable() else " " for c in visible).strip()
    return printable or ("\N{REPLACEMENT CHARACTER}" if (typed or "").strip() else "")


def is_only_punctuation(text: str) -> bool:
    """Whether `text` is not blank but has neither a letter nor a digit; a search for it finds nothing."""
    return bool(text.strip()) and not any(unicodedata.category(c)[0] in "LN" for c in text)


def fold(text: str) -> str:
    """Lower case, without accents, with single blanks, for comparing: "José  Ñandú" -> "jose nandu".

    Letters, apostrophes and hyphens become those that `hms_fold` of the database makes of them. Text that is compared with
    a column of the database is folded there (`hms.core.db.folding`).
    """
    plain = plain_signs(text).casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
        plain = _INVISIBLE.sub("", plain).translate(_LETTERS)
    return " ".join(plain.split())


def plain_signs(text: str) -> str:
    """`text` with `'` for every kind of apostrophe and `-` for every hyphen and dash."""
    return text if text.isascii() and "`" not in text else text.translate(_APOSTROPHES_AND_HYPHENS)


def digits(text: str) -> str:
    """Only the ASCII digits of `text`."""
    return re.sub(r"[^0-9]", "", text)
