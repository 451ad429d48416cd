"""The formulary: medicines, their usual doses, and what the hospital's pharmacists changed in the lists of rules."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.billing.models import PriceItem
from hms.core.db.models import ImmutableRecord, Record, VersionedRecord
from hms.core.db.session import db
from hms.core.text.translation import N_


class Medication(VersionedRecord):
    """One product: generic, form and strength. `current_stock` (in `unit`s) is the sum of the stock ledger, kept by a trigger.

    `catalogue_key` is the key of its line in the starting list. `unit_holds` says what a bottle or inhaler holds
    ("100 mL"). Maximum doses are mg by ingredient in 24 hours, stored as text to keep all digits; `pregnancy` is "avoid",
    "caution" or "".
    """

    __tablename__ = "medication"
    __table_args__ = (
        CheckConstraint(
            "current_stock >= 0",
            name="stock_not_negative",
            info={"message": N_("There is not enough in stock."), "field": "quantity"},
        ),
        CheckConstraint(
            "formulation IN ('Tablet', 'Syrup', 'Injection', 'Capsule', 'Other')", name="formulation_known"
        ),
        CheckConstraint("btrim(name) <> ''", name="named", info={"message": N_("Enter the name."), "field": "name"}),
        Index(
            "uq_medication_product",
            "generic_name",
            "brand_name",
            "formulation",
            "form",
            "strength",
            unique=True,
            info={"message": N_("This medicine is already on the list."), "field": "generic_name"},
        ),
        Index("ix_medication_name_order", func.hms_fold(text("name")), "id"),
        Index(
            "ix_medication_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    catalogue_key: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    generic_name: Mapped[str] = mapped_column(default="")
    brand_name: Mapped[str] = mapped_column(default="")
    display_name: Mapped[str] = mapped_column(default="")
    formulation: Mapped[str] = mapped_column(default="Other")
    form: Mapped[str] = mapped_column(default="")
    strength: Mapped[str] = mapped_column(default="")
    unit: Mapped[str] = mapped_column(default="")
    unit_holds: Mapped[str] = mapped_column(default="")
    route: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    ingredients: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    classes: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    has_no_maximum: Mapped[bool] = mapped_column(default=False)
    max_daily_mg: Mapped[dict] = mapped_column(JSONB, default=dict)
    max_daily_mg_per_kg: Mapped[dict] = mapped_column(JSONB, default=dict)
    pregnancy: Mapped[str] = mapped_column(default="")
    min_age_years: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    min_age_tier: Mapped[str] = mapped_column(default="caution")
    is_controlled_substance: Mapped[bool] = mapped_column(default=False)
    manufacturer: Mapped[str] = mapped_column(default="")
    reorder_level: Mapped[int] = mapped_column(default=0)
    current_stock: Mapped[int] = mapped_column(default=0)
    price_item_id: Mapped[int | None] = mapped_column(ForeignKey("price_item.id", ondelete="RESTRICT"))
    is_active: Mapped[bool] = mapped_column(default=True)
    search_text: Mapped[str] = mapped_column(
        Computed("hms_fold(name || ' ' || generic_name || ' ' || brand_name || ' ' || strength)", persisted=True)
    )

    price_item: Mapped[PriceItem | None] = relationship(lazy="raise")
    dose_sentences: Mapped[list[DoseSentence]] = relationship(back_populates="medication", lazy="raise")


class DoseSentence(Record):
    """A usual dose of a medicine, complete with route, frequency and duration. `audience` is adult, child or any.

    `amount` and `max_per_day` are in `unit`; `frequency` is a key of `FREQUENCIES`.
    """

    __tablename__ = "dose_sentence"

    medication_id: Mapped[int] = mapped_column(ForeignKey("medication.id", ondelete="RESTRICT"), index=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(10, 3))
    unit: Mapped[str]
    route: Mapped[str] = mapped_column(default="oral")
    frequency: Mapped[str]
    as_needed: Mapped[bool] = mapped_column(default=False)
    max_per_day: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    days: Mapped[int | None]
    audience: Mapped[str] = mapped_column(default="any")
    label: Mapped[str] = mapped_column(default="")
    use_count: Mapped[int] = mapped_column(default=0)

    medication: Mapped[Medication] = relationship(back_populates="dose_sentences")


class RuleChange(Record):
    """A proposed change of lines of the lists of safety rules, which a second pharmacist approves or declines. The proposal
    does not change; the decision is final.

    `decision` is empty while it waits. `number` is that of the version of the rules that an approved change made, and
    `shipped_version` the version of the program's lists at that time. `source` says where what it claims was read.
    """

    __tablename__ = "rule_change"
    __table_args__ = (
        CheckConstraint("decision IN ('approved', 'declined', 'withdrawn')", name="decision_known"),
        CheckConstraint(
            "btrim(reason) <> ''", name="reason_given", info={"message": N_("Enter the reason."), "field": "reason"}
        ),
        CheckConstraint(
            "btrim(source) <> ''", name="source_given", info={"message": N_("Enter the source."), "field": "source"}
        ),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint(
            "decision NOT IN ('approved', 'declined') OR decided_by_id <> proposed_by_id",
            name="decided_by_another",
            info={"message": N_("You made this request, so someone else must decide it.")},
        ),
        CheckConstraint(
            "(decision IS NOT DISTINCT FROM 'approved') = (number IS NOT NULL)", name="approved_is_numbered"
        ),
        UniqueConstraint("number", name="uq_rule_change_number"),
        Index("ix_rule_change_waiting", "id", postgresql_where=text("decision IS NULL")),
    )

    reason: Mapped[str]
    source: Mapped[str]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decision: Mapped[str | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(default="", server_default="")
    number: Mapped[int | None]
    shipped_version: Mapped[str] = mapped_column(default="", server_default="")

    lines: Mapped[list[RuleChangeLine]] = relationship(lazy="raise", order_by="RuleChangeLine.id")


class RuleChangeLine(ImmutableRecord):
    """One line of a list of rules, as it was when the change was proposed (`before`) and as it is to be (`after`): None where
    there is no line. `shipped` is the program's line at that time. `key` names the line in its list for ever.
    """

    __tablename__ = "rule_change_line"
    __table_args__ = (
        CheckConstraint("before IS NOT NULL OR after IS NOT NULL", name="says_something"),
        UniqueConstraint("change_id", "key", name="uq_rule_change_line_change_id_key"),
        Index("ix_rule_change_line_key", "key"),
    )

    change_id: Mapped[int] = mapped_column(ForeignKey("rule_change.id", ondelete="RESTRICT"))
    list_name: Mapped[str]
    key: Mapped[str]
    before: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    shipped: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
