"""Words in a typed dose that say how it is taken, not how much: "10 ml tds pc" is 10 mL three times a day, after food.

They are taken out before the dose is read, and stand in full words under Instructions, which the label prints.
"""

from __future__ import annotations

import re
import unicodedata

_MEAL = r"(?:food|foods|meal|meals|eating)"


def _phrase(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9.,/-])(?:{pattern})(?![a-z0-9/-])")


_PHRASES = (
    (_phrase(rf"p\.?c\.?|after {_MEAL}|apres (?:le |les |chaque )?repas"), "after food"),
    (_phrase(rf"a\.?c\.?|before {_MEAL}|avant (?:le |les |chaque )?repas"), "before food"),
    (_phrase(rf"with {_MEAL}|(?:avec|pendant) (?:le |les )?repas|aux? repas"), "with food"),
    (_phrase(rf"between {_MEAL}|entre les repas"), "between meals"),
    (_phrase("on an empty stomach|a jeun"), "on an empty stomach"),
    (_phrase("chew(?:ed)?|a croquer"), "chewed"),
    (_phrase(r"slowly|slow(?= (?:i\.?v|im)\b)"), "slowly"),
)
_OVER = _phrase("over ([1-9][0-9]{0,2}) ?(mins?|minutes?|h|hrs?|hours?)")
_SIDE = _phrase(
    "(?:(?:in|into|to) )?(?:the )?(left|right|both|each) (eyes?|ears?|nostrils?)"
    "|(?:dans |a )?l'(oeil|oreille) (droite?|gauche)"
)
_ENGLISH = {"droit": "right", "droite": "right", "gauche": "left", "oeil": "eye", "oreille": "ear"}
_ROUTE_OF = {"eye": "eye", "ear": "ear", "nostril": "nasal"}


def split_instructions(typed: str) -> tuple[str, str]:
    """The typed dose without such words, and the words in English, "" for none: ("10 ml tds", "after food").

    A side keeps its place of the body as the route: ("2 drops qid eye", "left eye"). What is not known stays, and is refused
    by whoever reads the dose; so do two times of meals and two sides.
    """
    rest, said = _plain(typed), list[str]()
    for pattern, words in _PHRASES:
        rest, count = pattern.subn(" ", rest)
        said += [words] * count
    times, sides = list(_OVER.finditer(rest)), list(_SIDE.finditer(rest))
    if len(said) > 1 or len(times) > 1 or len(sides) > 1:
        return typed, ""
    said += [*map(_describe_time, times), *map(_describe_side, sides)]
    rest = _SIDE.sub(lambda match: f" {_ROUTE_OF[_part(match)]} ", _OVER.sub(" ", rest))
    return (" ".join(rest.split()), ", ".join(said)) if said else (typed, "")


def join_instructions(entered: str, read: str) -> str:
    """The entered instructions with those that were read from the dose, each once."""
    missing = [words for words in read.split(", ") if words and words.casefold() not in entered.casefold()]
    return ", ".join([*([entered.strip()] if entered.strip() else []), *missing])


def _plain(typed: str) -> str:
    """Lower case, without accents, with single blanks."""
    signs = unicodedata.normalize("NFD", typed.lower().replace("œ", "oe").replace("’", "'"))
    return " ".join("".join(sign for sign in signs if sign not in "\u0300\u0301\u0302").split())


def _describe_time(match: re.Match[str]) -> str:
    unit = "hour" if match[2].startswith("h") else "minute"
    return f"over {match[1]} {unit}" + ("" if match[1] == "1" else "s")


def _describe_side(match: re.Match[str]) -> str:
    side = match[1] or _ENGLISH[match[4]]
    return f"{side} {_part(match)}" + ("s" if side == "both" else "")


def _part(match: re.Match[str]) -> str:
    return (match[2] or _ENGLISH[match[3]]).rstrip("s")
