import random
import string

import pytest

from hms.core.errors import RuleBroken
from hms.staff import rules
from hms.staff.login_security import password_rules

pytestmark = pytest.mark.security("E")

OWN = ("k.kamara", "Kadiatu", "Kamara", "St Mary's")


@pytest.mark.parametrize("name", ["doctor", "doctor2", "k.kamara", "A", "a@b", "Doc-1_x+y", "x" * 150, " admin "])
def test_usernames(name):
    assert rules.username(name) == name.strip()


@pytest.mark.parametrize(
    "name", ["", " ", "a b", ".doc", "x" * 151, "dоctor", "doc\x00r", "ｄｏｃ", "d'or", "<b>", "\ud800"]
)
def test_usernames_nobody_has(name):
    with pytest.raises(RuleBroken) as refusal:
        rules.username(name)
    assert refusal.value.field == "username"


@pytest.mark.parametrize("address", ["", "a@b.org", "kadiatu.kamara@mail.hospital.sl", "x+y@server", "é@example.org"])
def test_addresses(address):
    assert rules.email(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "a",
        "@b.org",
        "a@",
        "a@b..org",
        "a b@c.org",
        "a@b.org\nx",
        "a@-b.org",
        "a" * 65 + "@b.org",
        "a@" + "b" * 260,
        "\x00@b.org",
    ],
)
def test_addresses_nobody_has(address):
    with pytest.raises(RuleBroken):
        rules.email(address)


@pytest.mark.parametrize(
    "password",
    ["hospital-demo-2026", "kettle ladder violin moss", "Xk7!pQ2#vRtz", "une girafe à vélo", "мой длинный пароль",
     "王小明喜歡吃芒果和米飯啊",
     "StrongPass123!", "9f8e7d6c5b4a", "083417629511", "x" * 5 + "kwmzqpvb", "correct ladder violin"],
)  # fmt: skip
def test_passwords_that_are_good(password):
    password_rules.check_password(password, OWN)


@pytest.mark.parametrize(
    "password",
    ["password1234", "P@ssw0rd!!!!", "Password2026!", "passwordpassword", "qwertyuiop12", "qwertyuiop[]",
     "123456789012", "abcdefghijkl",
     "zyxwvutsrqpo", "1q2w3e4r5t6y", "1qaz2wsx3edc", "aaaaaaaaaaaa", "abcabcabcabc", "iloveyou2026",
     "mercedes-benz", "hospital2026!",
     "NurseNurse123", "kadiatukamara",
     "KamaraKadiatu26!", "kkamara123456", "h0sp1tal-2026", "ＰＡＳＳＷＯＲＤ１２３４",
     "121212121212", "17.05.1991.1", "147258369147",
     "00000000000000000001", "password" * 9, "password" * 128],
)  # fmt: skip
def test_passwords_that_are_easy_to_guess(password):
    with pytest.raises(RuleBroken) as refusal:
        password_rules.check_password(password, OWN)
    assert refusal.value.field == "password"
    assert refusal.value.code == "guessable"


def test_own_names_count_only_for_their_owner():
    password_rules.check_password("Sankohmansaray1", ["Kadiatu"])
    for own in (["Sankoh", "Mansaray"], ["sankoh.mansaray"], ["Mansaray", "Sànkoh"]):
        with pytest.raises(RuleBroken):
            password_rules.check_password("Sankohmansaray1", own)


def test_the_beginning_of_a_long_password_has_to_be_strong():
    password_rules.check_password("kettle ladder violin moss basalt" + "a" * 900)
    with pytest.raises(RuleBroken) as refusal:
        password_rules.check_password("a" * password_rules.MAX_SCORED_LENGTH + "kettle ladder violin moss")
    assert refusal.value.code == "guessable"


def test_the_length_at_its_limits():
    good = "Xk7!pQ2#vRtz"
    password_rules.check_password(good)
    password_rules.check_password("".join(random.Random(1).choices(string.ascii_letters, k=1024)))
    for password, code in [(good[:-1], "too_short"), ("", "too_short"), ("x9k" * 400, "too_long")]:
        with pytest.raises(RuleBroken) as refusal:
            password_rules.check_password(password)
        assert refusal.value.code == code
    password_rules.check_password("Xk7!pQ2#v", shortest=9)


@pytest.mark.parametrize("password", ["Xk7!pQ2#vRtz\x00", "Xk7!pQ2#v\nRtz", "Xk7!pQ2#vRtz\ud800"])
def test_characters_nobody_can_type(password):
    with pytest.raises(RuleBroken):
        password_rules.check_password(password)


def test_random_passwords_are_never_called_guessable():
    dice = random.Random(2)
    for _ in range(300):
        password_rules.check_strength("".join(dice.choices(string.ascii_letters + string.digits, k=12)), OWN)


def test_every_word_of_a_hospital_is_refused_with_a_year_behind_it():
    for word in password_rules.hospital_words():
        with pytest.raises(RuleBroken):
            password_rules.check_strength(f"{word}-2026")


def test_the_list_of_words_is_clean():
    words = password_rules.hospital_words()
    assert len(words) > 50
    assert all(word.isascii() and word.islower() and word.isalpha() for word in words)
