"""What the hospital may set for itself: each setting with its type, default, limits and explanation."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .definition import SettingDefinition
from .security_definitions import SECURITY_SETTINGS

FACILITY, QUEUE, BILLING, PHARMACY = _l("Facility"), _l("Queue"), _l("Billing and receipts"), _l("Pharmacy")

SETTINGS: dict[str, SettingDefinition] = {
    setting.key: setting
    for setting in (
        SettingDefinition(
            "hospital.name",
            "St Mary's Hospital",
            _l("Hospital name"),
            FACILITY,
            help=_l("Stands on every page, label, receipt and invoice."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.address",
            "12 Hill Road, Freetown",
            _l("Address"),
            FACILITY,
            help=_l("Stands on invoices, receipts and the sign-in page."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.phone",
            "022 123 456",
            _l("Phone"),
            FACILITY,
            help=_l("Where patients call, and staff who cannot sign in."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.logo",
            "",
            _l("Logo"),
            FACILITY,
            help=_l("A small picture as a data: address (data:image/png;base64,…), of at most 500 characters."),
            is_public=True,
            shape=r"data:image/(png|jpeg|svg\+xml|webp)[;,][\w;,=+/%.:' -]+",
        ),
        SettingDefinition(
            "hospital.tax_number",
            "",
            _l("Tax number"),
            FACILITY,
            help=_l("Printed on invoices when there is one."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.site_address",
            "",
            _l("Address of these pages"),
            FACILITY,
            help=_l(
                "For example https://hms.hospital.sl. Links in e-mails begin with it; while it is empty, none are sent."
            ),
            shape=r"https?://[A-Za-z0-9.-]+(:\d{1,5})?",
        ),
        SettingDefinition(
            "patients.number_prefix",
            "HMS",
            _l("Prefix of hospital numbers"),
            FACILITY,
            help=_l("Two to five capital letters. Numbers given before keep theirs."),
            shape=r"[A-Z]{2,5}",
            is_sensitive=True,
        ),
        *SECURITY_SETTINGS,
        SettingDefinition(
            "appointments.slot_minutes",
            15,
            _l("Length of a slot in minutes"),
            QUEUE,
            help=_l("For doctors whose hours name no length of their own."),
            least=5,
            most=120,
        ),
        SettingDefinition(
            "queue.long_wait_minutes",
            60,
            _l("A wait is long after minutes"),
            QUEUE,
            help=_l("Longer waits are marked on the queue."),
            least=5,
            most=600,
        ),
        SettingDefinition(
            "billing.consultation_item",
            "CONS-OPD",
            _l("Price-list code charged at signing"),
            BILLING,
            help=_l("The code of an item of the price list; empty charges nothing."),
        ),
        SettingDefinition(
            "billing.open_till_by_itself",
            True,
            _l("The first payment opens a cashier's till"),
            BILLING,
            help=_l("No: a cashier opens the till with a counted float first."),
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.discount_limit_percent",
            10,
            _l("Largest discount one person gives alone, percent"),
            BILLING,
            help=_l("Above it a second person decides."),
            least=0,
            most=100,
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.payers",
            "Insurance, Employer, Government programme, Charity",
            _l("Who else pays bills"),
            BILLING,
            help=_l("Names with commas between them; a bill can be shared with one of them."),
        ),
        SettingDefinition(
            "billing.receipt_paper",
            "80",
            _l("Width of the receipt paper in mm"),
            BILLING,
            help=_l("As the printers at the cashiers' desks have it."),
            choices=("80", "58"),
        ),
        SettingDefinition(
            "billing.amount_in_words",
            True,
            _l("Print the amount in words on invoices"),
            BILLING,
            help=_l("In the language of the invoice."),
        ),
        SettingDefinition(
            "billing.payment_instructions",
            "Please pay at the cashier's window and keep the receipt.",
            _l("How to pay, as invoices say it"),
            BILLING,
            help=_l("One or two sentences at the foot of an invoice."),
        ),
        SettingDefinition(
            "billing.receipt_footer",
            "Keep this receipt.",
            _l("Last line of a receipt"),
            BILLING,
            help=_l("A wish, or opening hours."),
        ),
        SettingDefinition(
            "clinical.show_diagnosis_on_bill",
            False,
            _l("Print diagnosis codes on invoices"),
            BILLING,
            help=_l("Only when an insurer asks for them: whoever sees the paper sees the diagnosis."),
            is_sensitive=True,
        ),
        SettingDefinition(
            "pharmacy.near_expiry_days",
            90,
            _l("Near expiry means days"),
            PHARMACY,
            help=_l("Batches that expire sooner are marked."),
            least=1,
            most=720,
        ),
    )
}
