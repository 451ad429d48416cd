"""More letters are folded: Latin of African orthographies and IPA, the middle dot of Catalan, Cyrillic of Central Asia.

Columns and indexes made with `hms_fold` are made again, so the programs are stopped first. Names of roles and e-mail
addresses are unique without regard to capitals beyond ASCII too: `lower` in the "C" locale changes only ASCII, so the indexes
name a collation. A person may be imported by several resources; `same_as` names the first one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

APOSTROPHES = "\u0060\u00b4\u02be\u02bf\u02ca\u02cb\u02d9\u02ee\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u2018\u2019\u201b\u2032"
APOSTROPHES += "\u0294\u0242\u0241\u2035\u275b\u275c\ua78b\ua78c\uff07\u02b9\u02bb\u02bc\u02bd\u02c8"
HYPHENS = "\u02d7\u05be\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u30a0\ufe58\ufe63\uff0d"
LETTERS = {
    "a": "ɑɒʌⱥɐ",
    "b": "ƀƃɓʙꞵƅ",
    "c": "ƈȼɕʗʧʨꞔ",
    "d": "ðđƌɖɗɟƍẟꟈȡ",
    "e": "ǝəɛɘɇɚɜɝɞʚ",
    "f": "ƒɸʩ",
    "g": "ɠɣɡǥꝿɢʛ",
    "h": "ħɥɦⱨʮʯⱶɧʜ",
    "i": "ıɩɨɪ",
    "j": "ɉʄȷʤʝ",
    "k": "ƙⱪʞ",
    "l": "łɫɬɭɮƚƛʎꞁȴʟ",
    "m": "ɱ",
    "n": "ŋɲɳƞȵɴ",
    "o": "øɔɵɤꞷⱷ",
    "p": "ƥᵽ",
    "q": "ĸɋʠ",
    "r": "ɍɽɾɹɺɻɿʁⱹꞃꝛɼʀ",
    "s": "ʃʂȿꞎƨƪƽʅʆꞅꟊẜẝ",
    "t": "ŧƭʈⱦʇƫȶ",
    "u": "ʉʊȣɯɷ",
    "v": "ʋⱱỽ",
    "w": "ⱳƿɰʍʬ",
    "x": "ꭓ",
    "y": "ƴɏȝʏỿ",
    "z": "ƶȥʒɀⱬƹƺƻʓʐʑ",
    "'": "ƾǀǁǂǃʕʖʘʡʢӏʭ",
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
}
LEFT_OUT = "\u00b7\u02be"
"""What NFKD leaves of \u0140 and \u1e9a; it has no plain letter, so `translate` leaves it out."""
FROM = "".join(LETTERS.values()) + LEFT_OUT
TO = "".join(plain * len(letters) for plain, letters in LETTERS.items()).replace("'", "''")
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
COLUMNS = {
    ("patient", "search_names"): "hms_fold_name(' ' || given_names || ' ' || family_name || ' ' || preferred_name || ' ')",
    ("patient", "sort_name"): "hms_fold(family_name || ', ' || given_names)",
    ("medication", "search_text"): "hms_fold(name || ' ' || generic_name || ' ' || brand_name || ' ' || strength)",
    ("price_item", "search_text"): "hms_fold(code || ' ' || name)",
}
# Names that differ only in capitals were accepted: all but the first get their number behind them.
MAKE_UNIQUE = """
UPDATE role SET name = name || ' (' || id || ')'
 WHERE EXISTS (
    SELECT FROM role earlier
     WHERE earlier.id < role.id AND lower(earlier.name COLLATE pg_c_utf8) = lower(role.name COLLATE pg_c_utf8))
"""
UNIQUE = {
    "uq_role_name_folded": ("role", "name", None),
    "uq_app_user_email": ("app_user", "email", sa.text("email <> ''")),
}


def upgrade() -> None:
    op.execute("SELECT set_config('hms.doing', json_build_object('action', 'core.migrate')::text, true)")
    op.execute(FOLD)
    for (table, column), expression in COLUMNS.items():
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET EXPRESSION AS ({expression})")
    op.execute("REINDEX INDEX ix_medication_name_order")
    op.execute(MAKE_UNIQUE)
    _replace_indexes("lower({} COLLATE pg_c_utf8)")
    op.add_column("source_record", sa.Column("same_as", sa.Text(), nullable=True))


def downgrade() -> None:
    """`hms_fold` stays: it folds all that the earlier one did."""
    op.drop_column("source_record", "same_as")
    _replace_indexes("lower({})")


def _replace_indexes(expression: str) -> None:
    for name, (table, column, where) in UNIQUE.items():
        op.drop_index(name, table)
        op.create_index(name, table, [sa.text(expression.format(column))], unique=True, postgresql_where=where)
