"""The texts that the hospital begins with, for each kind, channel and language. An SMS fits in one part where it can."""

from __future__ import annotations

from collections.abc import Mapping

Texts = Mapping[tuple[str, str], tuple[str, str]]

_CALL = {
    "en": "{% if hospital_phone %} Call {{ hospital_phone }} if you cannot come.{% endif %}",
    "fr": "{% if hospital_phone %} Appelez le {{ hospital_phone }} si vous ne pouvez pas venir.{% endif %}",
    "pt": "{% if hospital_phone %} Ligue {{ hospital_phone }} caso precise mudar.{% endif %}",
}
_ASK = {
    "en": "{% if hospital_phone %} Call {{ hospital_phone }} for another time.{% endif %}",
    "fr": "{% if hospital_phone %} Appelez le {{ hospital_phone }} pour un autre rendez-vous.{% endif %}",
    "pt": "{% if hospital_phone %} Ligue {{ hospital_phone }} para marcar de novo.{% endif %}",
}
_GREETING = {"en": "Dear {{ patient }},", "fr": "Bonjour {{ patient }},", "pt": "Caro(a) {{ patient }},"}
_SIGNED = "{{ hospital }}{% if hospital_address %}\n{{ hospital_address }}{% endif %}"


def _texts(sms: Mapping[str, str], subject: Mapping[str, str], end: Mapping[str, str]) -> Texts:
    """An SMS begins with the hospital's name; an e-mail has a greeting and the hospital's name and address at its end."""
    texts = {}
    for language, sentence in sms.items():
        texts["sms", language] = ("", "{{ hospital }}: " + sentence + end[language])
        mail = f"{_GREETING[language]}\n\n{sentence}{end[language]}\n\n{_SIGNED}"
        texts["email", language] = (subject[language], mail)
    return texts


REMINDER = _texts(
    {
        "en": "Reminder of your appointment on {{ day }} at {{ time }} with {{ doctor }}.",
        "fr": "Rappel de votre rendez-vous le {{ day }} à {{ time }} avec {{ doctor }}.",
        "pt": "Lembrete da sua consulta em {{ day }} às {{ time }} com {{ doctor }}.",
    },
    {
        "en": "Your appointment on {{ day }} at {{ time }}",
        "fr": "Votre rendez-vous le {{ day }} à {{ time }}",
        "pt": "A sua consulta em {{ day }} às {{ time }}",
    },
    _CALL,
)
BOOKED = _texts(
    {
        "en": "Your appointment is booked for {{ day }} at {{ time }} with {{ doctor }}.",
        "fr": "Votre rendez-vous est pris pour le {{ day }} à {{ time }} avec {{ doctor }}.",
        "pt": "A sua consulta foi marcada para {{ day }} às {{ time }} com {{ doctor }}.",
    },
    {
        "en": "Appointment booked: {{ day }} at {{ time }}",
        "fr": "Rendez-vous pris : {{ day }} à {{ time }}",
        "pt": "Consulta marcada: {{ day }} às {{ time }}",
    },
    _CALL,
)
MOVED = _texts(
    {
        "en": "Your appointment of {{ old_day }} {{ old_time }} is now on {{ day }} at {{ time }} with {{ doctor }}.",
        "fr": "Votre rendez-vous du {{ old_day }} {{ old_time }} est maintenant le {{ day }} à {{ time }} avec {{ doctor }}.",
        "pt": "A sua consulta de {{ old_day }} {{ old_time }} passou para {{ day }} às {{ time }} com {{ doctor }}.",
    },
    {
        "en": "Appointment moved to {{ day }} at {{ time }}",
        "fr": "Rendez-vous reporté au {{ day }} à {{ time }}",
        "pt": "Consulta mudada para {{ day }} às {{ time }}",
    },
    _CALL,
)
CANCELLED = _texts(
    {
        "en": "Your appointment on {{ day }} at {{ time }} with {{ doctor }} is cancelled.",
        "fr": "Votre rendez-vous du {{ day }} à {{ time }} avec {{ doctor }} est annulé.",
        "pt": "A sua consulta de {{ day }} às {{ time }} com {{ doctor }} foi cancelada.",
    },
    {
        "en": "Appointment cancelled: {{ day }} at {{ time }}",
        "fr": "Rendez-vous annulé : {{ day }} à {{ time }}",
        "pt": "Consulta cancelada: {{ day }} às {{ time }}",
    },
    _ASK,
)
AWAY_MOVED = _texts(
    {
        "en": "The doctor is away on {{ old_day }}. Your appointment of {{ old_time }} is now on {{ day }} at {{ time }} "
        "with {{ doctor }}.",
        "fr": "Le médecin est absent le {{ old_day }}. Votre rendez-vous de {{ old_time }} est maintenant le {{ day }} à "
        "{{ time }} avec {{ doctor }}.",
        "pt": "Médico ausente em {{ old_day }}: a consulta das {{ old_time }} passou para {{ day }} às {{ time }} com "
        "{{ doctor }}.",
    },
    {
        "en": "Doctor away: appointment moved to {{ day }} at {{ time }}",
        "fr": "Médecin absent : rendez-vous reporté au {{ day }} à {{ time }}",
        "pt": "Médico ausente: consulta mudada para {{ day }} às {{ time }}",
    },
    _CALL,
)
AWAY_CANCELLED = _texts(
    {
        "en": "{{ doctor }} is away. Your appointment on {{ day }} at {{ time }} is cancelled.",
        "fr": "{{ doctor }} est absent(e). Votre rendez-vous du {{ day }} à {{ time }} est annulé.",
        "pt": "{{ doctor }} ausente: a sua consulta de {{ day }} às {{ time }} foi cancelada.",
    },
    {
        "en": "Doctor away: appointment of {{ day }} at {{ time }} cancelled",
        "fr": "Médecin absent : rendez-vous du {{ day }} à {{ time }} annulé",
        "pt": "Médico ausente: consulta de {{ day }} às {{ time }} cancelada",
    },
    _ASK,
)
SERIES_BOOKED = _texts(
    {
        "en": "Appointments booked with {{ doctor }}: {{ count }}, the next on {{ day }} at {{ time }}, the last on "
        "{{ last_day }}.",
        "fr": "Rendez-vous pris avec {{ doctor }} : {{ count }}, le prochain le {{ day }} à {{ time }}, le dernier le "
        "{{ last_day }}.",
        "pt": "{{ count }} consultas marcadas com {{ doctor }}, de {{ day }} às {{ time }} até {{ last_day }}.",
    },
    {
        "en": "Appointments booked: next on {{ day }} at {{ time }}",
        "fr": "Rendez-vous pris : le prochain le {{ day }} à {{ time }}",
        "pt": "Consultas marcadas de {{ day }} às {{ time }} até {{ last_day }}",
    },
    _CALL,
)
SERIES_MOVED = _texts(
    {
        "en": "Your appointments from {{ old_day }} {{ old_time }} on are moved: the first is on {{ day }} at {{ time }} with "
        "{{ doctor }}.",
        "fr": "Vos rendez-vous à partir du {{ old_day }} {{ old_time }} sont reportés : le premier est le {{ day }} à "
        "{{ time }} avec {{ doctor }}.",
        "pt": "As suas consultas a partir de {{ old_day }} {{ old_time }} mudaram: a primeira é em {{ day }} às {{ time }} "
        "com {{ doctor }}.",
    },
    {
        "en": "Appointments moved: first on {{ day }} at {{ time }}",
        "fr": "Rendez-vous reportés : le premier le {{ day }} à {{ time }}",
        "pt": "Consultas mudadas: a primeira em {{ day }} às {{ time }}",
    },
    _CALL,
)
SERIES_CANCELLED = _texts(
    {
        "en": "Your appointments with {{ doctor }} from {{ day }} at {{ time }} to {{ last_day }} are cancelled.",
        "fr": "Vos rendez-vous avec {{ doctor }} du {{ day }} à {{ time }} au {{ last_day }} sont annulés.",
        "pt": "As suas consultas com {{ doctor }} de {{ day }} às {{ time }} até {{ last_day }} foram canceladas.",
    },
    {
        "en": "Appointments from {{ day }} to {{ last_day }} cancelled",
        "fr": "Rendez-vous du {{ day }} au {{ last_day }} annulés",
        "pt": "Consultas de {{ day }} a {{ last_day }} canceladas",
    },
    _ASK,
)
