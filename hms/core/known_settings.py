"""What the hospital may set for itself: each setting with its type, default, limits and explanation."""

from __future__ import annotations

from .security_settings import SECURITY_SETTINGS
from .setting import Setting
from .words import _

__all__ = ("SETTINGS", "Setting")


FACILITY, QUEUE, BILLING, PHARMACY = _("Facility"), _("Queue"), _("Billing and receipts"), _("Pharmacy")

SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting(
            "hospital.name",
            "St Mary's Hospital",
            _("Hospital name"),
            FACILITY,
            help=_("Stands on every page, label, receipt and invoice."),
            is_public=True,
        ),
        Setting(
            "hospital.address",
            "12 Hill Road, Freetown",
            _("Address"),
            FACILITY,
            help=_("Stands on invoices, receipts and the sign-in page."),
            is_public=True,
        ),
        Setting(
            "hospital.phone",
            "022 123 456",
            _("Phone"),
            FACILITY,
            help=_("Where patients call, and staff who cannot sign in."),
            is_public=True,
        ),
        Setting(
            "hospital.logo",
            "",
            _("Logo"),
            FACILITY,
            help=_("A small picture as a data: address (data:image/png;base64,…), of at most 500 characters."),
            is_public=True,
            shape=r"data:image/(png|jpeg|svg\+xml|webp)[;,][\w;,=+/%.:' -]+",
        ),
        Setting(
            "hospital.tax_number",
            "",
            _("Tax number"),
            FACILITY,
            help=_("Printed on invoices when there is one."),
            is_public=True,
        ),
        Setting(
            "hospital.site_address",
            "",
            _("Address of these pages"),
            FACILITY,
            help=_(
                "For example https://hms.hospital.sl. Links in e-mails begin with it; while it is empty, none are sent."
            ),
            shape=r"https?://[A-Za-z0-9.-]+(:\d{1,5})?",
        ),
        Setting(
            "patients.number_prefix",
            "HMS",
            _("Prefix of hospital numbers"),
            FACILITY,
            help=_("Two to five capital letters. Numbers given before keep theirs."),
            shape=r"[A-Z]{2,5}",
            is_sensitive=True,
        ),
        *SECURITY_SETTINGS,
        Setting(
            "appointments.slot_minutes",
            15,
            _("Length of a slot in minutes"),
            QUEUE,
            help=_("For doctors whose hours name no length of their own."),
            least=5,
            most=120,
        ),
        Setting(
            "queue.long_wait_minutes",
            60,
            _("A wait is long after minutes"),
            QUEUE,
            help=_("Longer waits are marked on the queue."),
            least=5,
            most=600,
        ),
        Setting(
            "billing.consultation_item",
            "CONS-OPD",
            _("Price-list code charged at signing"),
            BILLING,
            help=_("The code of an item of the price list; empty charges nothing."),
        ),
        Setting(
            "billing.open_till_by_itself",
            True,
            _("The first payment opens a cashier's till"),
            BILLING,
            help=_("No: a cashier opens the till with a counted float first."),
        ),
        Setting(
            "billing.discount_limit_percent",
            10,
            _("Largest discount one person gives alone, percent"),
            BILLING,
            help=_("Above it a second person decides."),
            least=0,
            most=100,
        ),
        Setting(
            "billing.payers",
            "Insurance, Employer, Government programme, Charity",
            _("Who else pays bills"),
            BILLING,
            help=_("Names with commas between them; a bill can be shared with one of them."),
        ),
        Setting(
            "billing.receipt_paper",
            "80",
            _("Width of the receipt paper in mm"),
            BILLING,
            help=_("As the printers at the cashiers' desks have it."),
            choices=("80", "58"),
        ),
        Setting(
            "billing.amount_in_words",
            True,
            _("Print the amount in words on invoices"),
            BILLING,
            help=_("In the language of the invoice."),
        ),
        Setting(
            "billing.payment_instructions",
            "Please pay at the cashier's window and keep the receipt.",
            _("How to pay, as invoices say it"),
            BILLING,
            help=_("One or two sentences at the foot of an invoice."),
        ),
        Setting(
            "billing.receipt_footer",
            "Keep this receipt.",
            _("Last line of a receipt"),
            BILLING,
            help=_("A wish, or opening hours."),
        ),
        Setting(
            "clinical.show_diagnosis_on_bill",
            False,
            _("Print diagnosis codes on invoices"),
            BILLING,
            help=_("Only when an insurer asks for them: whoever sees the paper sees the diagnosis."),
            is_sensitive=True,
        ),
        Setting(
            "pharmacy.near_expiry_days",
            90,
            _("Near expiry means days"),
            PHARMACY,
            help=_("Batches that expire sooner are marked."),
            least=1,
            most=720,
        ),
    )
}
