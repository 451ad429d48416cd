"""The settings of the hospital, each with its type, default, limits and help."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .definition import SettingDefinition
from .escalation_definitions import ESCALATION_SETTINGS
from .message_definitions import MESSAGE_SETTINGS
from .security_definitions import SECURITY_SETTINGS

FACILITY, QUEUE, BILLING, PHARMACY = _l("Facility"), _l("Queue"), _l("Billing and receipts"), _l("Pharmacy")
CLINICAL = _l("Doctor's desk")

SETTINGS: dict[str, SettingDefinition] = {
    setting.key: setting
    for setting in (
        SettingDefinition(
            "hospital.name",
            "Hospital",
            _l("Hospital name"),
            FACILITY,
            help=_l("Shown on every page, label, receipt and invoice."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.address",
            "",
            _l("Address"),
            FACILITY,
            help=_l("Shown on invoices, receipts and the sign-in page."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.phone",
            "",
            _l("Phone"),
            FACILITY,
            help=_l("For patients, and for staff who cannot sign in."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.decimal_sign",
            "country",
            _l("Decimal sign"),
            FACILITY,
            help=_l(
                "How amounts are typed and printed: point (1,250.00) or comma (1.250,00). The API always uses the point."
            ),
            choices=("country", "point", "comma"),
            choice_labels=(_l("As usual in the country"), _l("Point"), _l("Comma")),
            is_sensitive=True,
        ),
        SettingDefinition(
            "hospital.logo",
            "",
            _l("Logo"),
            FACILITY,
            help=_l("Shown on every page and printed on every paper."),
            is_public=True,
            is_picture=True,
        ),
        SettingDefinition(
            "hospital.tax_number",
            "",
            _l("Tax number"),
            FACILITY,
            help=_l("Printed on invoices."),
            is_public=True,
        ),
        SettingDefinition(
            "hospital.site_address",
            "",
            _l("Web address of HMS"),
            FACILITY,
            help=_l("For example https://hms.hospital.sl. Used for links in e-mails. If blank, no links are sent."),
            pattern=r"https?://[A-Za-z0-9.-]+(:\d{1,5})?",
        ),
        SettingDefinition(
            "patients.number_prefix",
            "HMS",
            _l("Prefix of hospital numbers"),
            FACILITY,
            help=_l("Two to five capital letters. Existing numbers do not change."),
            pattern=r"[A-Z]{2,5}",
            is_sensitive=True,
        ),
        SettingDefinition(
            "documents.max_size_kb",
            1400,
            _l("Largest document of a patient in kB"),
            FACILITY,
            help=_l("Files that are uploaded to a patient's record: PDF, JPEG and PNG."),
            least=100,
            most=1900,
        ),
        SettingDefinition(
            "exports.max_rows",
            50_000,
            _l("Largest export of a list in rows"),
            FACILITY,
            help=_l("Lists as CSV or XLSX. Longer lists must be filtered first."),
            least=100,
            most=200_000,
            is_sensitive=True,
        ),
        SettingDefinition(
            "documents.scanner_address",
            "",
            _l("Address of the virus scanner"),
            FACILITY,
            help=_l("clamd, for example scanner:3310 or /run/clamav/clamd.ctl. If blank, documents are not scanned."),
            pattern=r"/[A-Za-z0-9._/-]{1,100}|[A-Za-z0-9.-]{1,200}(:\d{1,5})?",
            is_sensitive=True,
        ),
        SettingDefinition(
            "documents.scanner_is_required",
            False,
            _l("Take documents only when they were scanned"),
            FACILITY,
            help=_l("Without an answer of the virus scanner no document is taken."),
            is_sensitive=True,
        ),
        *SECURITY_SETTINGS,
        SettingDefinition(
            "appointments.slot_minutes",
            15,
            _l("Slot length in minutes"),
            QUEUE,
            help=_l("Used when a doctor's clinic hours have no slot length."),
            least=5,
            most=120,
        ),
        SettingDefinition(
            "appointments.no_show_automatic",
            False,
            _l("Mark patients who did not come"),
            QUEUE,
            help=_l(
                "At the end of the day, appointments whose patients were not checked in become “Did not come”. It can be undone."
            ),
        ),
        SettingDefinition(
            "appointments.no_show_hour",
            20,
            _l("End of the day for appointments"),
            QUEUE,
            help=_l("From this hour (0 to 23) on, patients who did not come are marked."),
            least=0,
            most=23,
        ),
        SettingDefinition(
            "appointments.confirm_days",
            2,
            _l("Days of unconfirmed appointments"),
            QUEUE,
            help=_l("For so many days ahead, reception sees whose patients were not reached. 0 shows none."),
            least=0,
            most=14,
        ),
        SettingDefinition(
            "queue.long_wait_minutes",
            60,
            _l("Long wait after minutes"),
            QUEUE,
            help=_l("Longer waits are marked on the queue."),
            least=5,
            most=600,
        ),
        SettingDefinition(
            "billing.consultation_item",
            "CONS-OPD",
            _l("Consultation item (price list code)"),
            BILLING,
            help=_l("Code of a price list item, charged when an encounter is signed. If blank, nothing is charged."),
        ),
        SettingDefinition(
            "billing.follow_up_days",
            0,
            _l("Days in which a follow-up is free"),
            BILLING,
            help=_l(
                "Counted from the day on which the consultation was paid. For appointments whose visit type is a follow-up. "
                "0: every visit is charged."
            ),
            least=0,
            most=365,
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.follow_up_visits",
            1,
            _l("Free follow-ups for each paid consultation"),
            BILLING,
            help=_l("Used when follow-ups are free for some days."),
            least=1,
            most=20,
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.open_till_by_itself",
            True,
            _l("First payment opens the till"),
            BILLING,
            help=_l("No: the cashier must first open the till with a counted float."),
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.discount_limit_percent",
            10,
            _l("Largest discount without approval, percent"),
            BILLING,
            help=_l("A larger discount needs approval."),
            least=0,
            most=100,
            is_sensitive=True,
        ),
        SettingDefinition(
            "billing.payers",
            "Insurance, Employer, Government programme, Charity",
            _l("Other payers"),
            BILLING,
            help=_l("Names separated by commas. A bill can be shared with one of them."),
        ),
        SettingDefinition(
            "billing.receipt_paper",
            "80",
            _l("Receipt paper width in mm"),
            BILLING,
            help=_l("The paper width of the cashiers' printers."),
            choices=("80", "58"),
        ),
        SettingDefinition(
            "billing.amount_in_words",
            True,
            _l("Print amount in words on invoices"),
            BILLING,
            help=_l("In the language of the invoice."),
        ),
        SettingDefinition(
            "billing.payment_instructions",
            "Please pay at the cashier's window and keep the receipt.",
            _l("Payment instructions on invoices"),
            BILLING,
            help=_l("One or two sentences at the foot of an invoice."),
        ),
        SettingDefinition(
            "billing.receipt_footer",
            "Keep this receipt.",
            _l("Last line of a receipt"),
            BILLING,
            help=_l("For example a greeting or opening hours."),
        ),
        SettingDefinition(
            "clinical.creatinine_days",
            90,
            _l("Days for which a creatinine counts"),
            CLINICAL,
            help=_l("An older one says nothing of the kidneys today: medicines are then not compared with them."),
            least=1,
            most=720,
            is_sensitive=True,
        ),
        SettingDefinition(
            "clinical.show_diagnosis_on_bill",
            False,
            _l("Print diagnosis codes on invoices"),
            BILLING,
            help=_l(
                "Only if an insurer requires them: everyone who sees the invoice sees the codes of the signed encounter. They "
                "are never printed for restricted records."
            ),
            is_sensitive=True,
        ),
        SettingDefinition(
            "pharmacy.near_expiry_days",
            90,
            _l("Days before expiry counted as near expiry"),
            PHARMACY,
            help=_l("Batches that expire within this time are marked."),
            least=1,
            most=720,
        ),
        SettingDefinition(
            "interop.import_days",
            7,
            _l("Days that the content of imported files is kept"),
            FACILITY,
            help=_l("Rows that were not imported are deleted after this time. What was imported stays."),
            least=1,
            most=60,
        ),
        *ESCALATION_SETTINGS,
        *MESSAGE_SETTINGS,
    )
}
