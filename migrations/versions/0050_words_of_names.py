"""The distinct words of patients' names, and an index of patients by word: misspelt names are looked up among the words.

A table of words stays small when patients are many, so that a misspelt word is compared with thousands of words and not with a
million names. Its keys are the word, the word without one letter, and its sound without vowels: two words that differ in one
letter, or in two neighbouring ones, share a key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0048"

NATIONAL_ID = "regexp_replace(upper(national_id), '[^A-Z0-9]', '', 'g')"
KIN_DIGITS = "regexp_replace(next_of_kin, '[^0-9]', '', 'g')"
SOUND = """
CREATE FUNCTION hms_name_sound(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$
SELECT regexp_replace(left(plain, 1), '[aeiou]', 'a') || regexp_replace(substr(plain, 2), '[aeiou]', '', 'g')
  FROM (SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(translate($1,
            'zyv', 'sif'), 'dj|di(?=a)|gi(?=a)', 'j', 'g'), 'ph', 'f', 'g'), 'ck|q|kh|c(?!h)', 'k', 'g'), 'ou|oo|w', 'u', 'g'),
            '([^cs])h', '\\1', 'g'), '(.)\\1+', '\\1', 'g') AS plain) heard
$$
"""
KEYS = """
CREATE FUNCTION hms_name_keys(text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$
SELECT ARRAY[word, '~' || public.hms_name_sound(word)] || ARRAY(
    SELECT left(word, nth - 1) || substr(word, nth + 1) FROM generate_series(1, length(word)) nth WHERE length(word) > 2)
  FROM (SELECT left($1, 24) AS word) short
$$
"""
# A word may be noted twice, by two registrations at one time: with a unique word the second would wait for the first to end.
NOTE = """
CREATE FUNCTION hms_note_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO name_word (word)
    SELECT DISTINCT own.word COLLATE "C" FROM unnest(string_to_array(NEW.search_names, ' ')) AS own (word)
     WHERE length(own.word) BETWEEN 1 AND 100 AND NOT EXISTS (SELECT FROM name_word known WHERE known.word = own.word)
     ORDER BY 1;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "name_word",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_name_word"),
    )
    op.execute(SOUND)
    op.execute(KEYS)
    op.execute(NOTE)
    op.execute(
        "INSERT INTO name_word (word) SELECT DISTINCT word FROM patient, unnest(string_to_array(search_names, ' ')) word "
        "WHERE length(word) BETWEEN 1 AND 100"
    )
    op.create_index("ix_name_word_begin", "name_word", ["word"])
    op.create_index("ix_name_word_keys", "name_word", [sa.text("hms_name_keys(word)")], postgresql_using="gin")
    op.create_index("ix_name_word_word", "name_word", [sa.text("word gin_trgm_ops")], postgresql_using="gin")
    op.execute(
        "CREATE TRIGGER note_words AFTER INSERT OR UPDATE OF given_names, family_name, preferred_name ON patient "
        "FOR EACH ROW EXECUTE FUNCTION hms_note_words()"
    )
    op.create_index(
        "ix_patient_words",
        "patient",
        [sa.text("string_to_array(left(search_names, 500), ' ')")],
        postgresql_using="gin",
    )
    for column, plain in (("national_id", NATIONAL_ID), ("next_of_kin", KIN_DIGITS)):
        op.create_index(
            f"ix_patient_{column}",
            "patient",
            [sa.text(f"({plain}) gin_trgm_ops")],
            postgresql_using="gin",
            postgresql_where=sa.text(f"{column} <> ''"),
        )


def downgrade() -> None:
    for name in ("words", "national_id", "next_of_kin"):
        op.drop_index(f"ix_patient_{name}", "patient")
    op.execute("DROP TRIGGER note_words ON patient")
    op.drop_table("name_word")
    for function in ("hms_note_words()", "hms_name_keys(text)", "hms_name_sound(text)"):
        op.execute(f"DROP FUNCTION {function}")
