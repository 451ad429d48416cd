"""Names are folded by one function, for stored and typed text: letters of West Africa and Europe, apostrophes, hyphens.

`unaccent` alone keeps some letters (ɔ, ǝ, ʃ), its file differs between versions of PostgreSQL, and `lower` in the "C" locale
changes only ASCII.
"""

from alembic import op

revision = "0037"
down_revision = "0035"

APOSTROPHES = "\u0060\u00b4\u02be\u02bf\u02ca\u02cb\u02d9\u02ee\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u2018\u2019\u201b\u2032"
APOSTROPHES += "\u0294\u0242\u0241\u2035\u275b\u275c\ua78b\ua78c\uff07\u02b9\u02bb\u02bc\u02bd\u02c8"
HYPHENS = "\u02d7\u05be\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u30a0\ufe58\ufe63\uff0d"
LETTERS = {
    "a": "ɑɒʌⱥ",
    "b": "ƀƃɓʙꞵ",
    "c": "ƈȼɕ",
    "d": "ðđƌɖɗɟ",
    "e": "ǝəɛɘɇ",
    "f": "ƒɸ",
    "g": "ɠɣɡǥ",
    "h": "ħɥɦⱨ",
    "i": "ıɩɨɪ",
    "j": "ɉʄȷ",
    "k": "ƙⱪ",
    "l": "łɫɬɭɮƚ",
    "m": "ɱ",
    "n": "ŋɲɳƞ",
    "o": "øɔɵ",
    "p": "ƥᵽ",
    "q": "ĸɋʠ",
    "r": "ɍɽɾ",
    "s": "ʃʂȿꞎ",
    "t": "ŧƭʈⱦ",
    "u": "ʉʊ",
    "v": "ʋⱱ",
    "w": "ⱳ",
    "y": "ƴɏ",
    "z": "ƶȥʒɀⱬ",
}
FROM = "".join(LETTERS.values())
TO = "".join(plain * len(letters) for plain, letters in LETTERS.items())
BACKSLASHES = "\u2216\u29f5\ufe68\uff3c"
SIGNS_FROM = APOSTROPHES + HYPHENS + BACKSLASHES
SIGNS_TO = "''" * len(APOSTROPHES) + "-" * len(HYPHENS) + "/" * len(BACKSLASHES)
IGNORED = (
    r"[\u00AD\u0300-\u036F\u0610-\u061C\u064B-\u065F\u0670\u115F\u1160\u17B4\u17B5\u180E\u1AB0-\u1AFF\u1DC0-\u1DFF"
    r"\u200B-\u200F\u2060-\u2064\u20D0-\u20FF\u2800\u3164\uFE00-\uFE0F\uFE20-\uFE2F\uFEFF\uFFA0]"
)
FOLD = f"""
CREATE OR REPLACE FUNCTION hms_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, translate(
    regexp_replace(normalize(lower(translate($1, '{SIGNS_FROM}', '{SIGNS_TO}') COLLATE pg_c_utf8), NFKD), '{IGNORED}', '', 'g'), '{FROM}', '{TO}'
)) COLLATE pg_c_utf8) $$
"""
FOLD_NAME = """
CREATE FUNCTION hms_fold_name(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT translate(public.hms_fold($1), '-''', ' ') $$
"""
FOLD_BEFORE = """
CREATE OR REPLACE FUNCTION hms_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$
"""
NAMES = "hms_fold_name(' ' || given_names || ' ' || family_name || ' ' || preferred_name || ' ')"
NAMES_BEFORE = (
    "hms_fold(' ' || translate(given_names || ' ' || family_name || ' ' || preferred_name, '-''\u2019', ' ') || ' ')"
)
COLUMNS = {
    ("patient", "sort_name"): "hms_fold(family_name || ', ' || given_names)",
    ("medication", "search_text"): "hms_fold(name || ' ' || generic_name || ' ' || brand_name || ' ' || strength)",
    ("price_item", "search_text"): "hms_fold(code || ' ' || name)",
}


def upgrade() -> None:
    op.execute(FOLD)
    op.execute(FOLD_NAME)
    _fold_again(NAMES)


def downgrade() -> None:
    op.execute(FOLD_BEFORE)
    _fold_again(NAMES_BEFORE)
    op.execute("DROP FUNCTION hms_fold_name(text)")


def _fold_again(names: str) -> None:
    """Fill the columns again and build their indexes again (`SET EXPRESSION` does both)."""
    for (table, column), expression in {("patient", "search_names"): names, **COLUMNS}.items():
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET EXPRESSION AS ({expression})")
