"""Fields of JSON bodies: types and lengths only; the rules are in the actions. The messages are part of the API."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from marshmallow import ValidationError, fields, validate

from hms.core.money import Money, TooLarge, currency_decimals, largest_amount
from hms.core.text.cleaning import TextError, clean
from hms.core.text.numbers import TwoReadings

from .localisation import translate

REQUIRED = {"required": "This field is required.", "null": "This field may not be null."}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?", re.ASCII)
MAX_ID = 2**63 - 1
_DECIMALS = {0: "without decimals", 2: "with at most two decimals", 3: "with at most three decimals"}


class Text(fields.String):
    """Text of at most `longest` characters, cleaned; `blank=False` refuses empty text."""

    default_error_messages = {**REQUIRED, "invalid": "Not a valid string."}

    def __init__(self, longest: int = 255, *, blank: bool = True, multiline: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest, self.blank, self.multiline = longest, blank, multiline
        self.metadata.setdefault("maxLength", longest)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            text = clean(value, longest=self.longest, multiline=self.multiline)
        except TextError as error:
            raise ValidationError(translate(error.sentence)) from error
        if not text and not self.blank:
            raise ValidationError("This field may not be blank.")
        return text


class Day(fields.Field):
    """A date as YYYY-MM-DD."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            if not isinstance(value, str) or not _DAY.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.") from None


class ClockTime(fields.Field):
    """A time of day in hospital time, as HH:MM or HH:MM:SS."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        try:
            if not isinstance(value, str) or not _TIME.fullmatch(value):
                raise ValueError
            return time.fromisoformat(value)
        except ValueError:
            raise ValidationError("Time has wrong format. Use one of these formats instead: hh:mm[:ss].") from None


class Amount(fields.Field):
    """Money as text ("190.00") or an exact number, with at most the decimals of the currency. The point is the decimal sign,
    thousands are not grouped."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Money:
        try:
            return Money.parse(value)
        except TooLarge:
            raise ValidationError(f"Enter an amount of at most {largest_amount()}.") from None
        except TwoReadings:
            raise ValidationError(
                f"Send the amount with a point before the decimals and without signs between thousands, for example "
                f"{Money(1250)}."
            ) from None
        except ValueError:
            raise ValidationError(
                f"Enter an amount {_DECIMALS[currency_decimals()]}, for example {Money(190)}."
            ) from None


class Pk(fields.Integer):
    """The id of another record."""

    default_error_messages = {**REQUIRED, "invalid": "Incorrect type. Expected pk value."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=False, validate=validate.Range(1, MAX_ID, error="Invalid pk."), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class WholeNumber(fields.Integer):
    """A whole number between `least` and `most`."""

    default_error_messages = {**REQUIRED, "invalid": "A valid integer is required."}

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        message = f"Ensure this value is between {least} and {most}."
        super().__init__(strict=True, validate=validate.Range(least, most, error=message), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)
