"""Headings of contact lists: the usual ones in a few languages, and how a heading becomes a field's name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PHONE = """
    phone phone_number phone_no phone_num telephone telephone_number tel tel_no mobile mobile_phone mobile_number mobile_no cell
    cell_phone cellphone_number cellular gsm msisdn e164 contact_number contact_phone number dial_number
    téléphone numéro numéro_de_téléphone numéro_téléphone n°_de_téléphone n°_téléphone n°_de_tél n°_tél no_tél num_tél tél_mobile
    tél_portable portable téléphone_portable téléphone_mobile numéro_de_portable numéro_mobile mobile_tel
    telefon telefonnummer rufnummer handy handynummer mobil mobilnummer mobiltelefon
    teléfono número número_de_teléfono móvil teléfono_móvil celular telefone número_de_telefone telemóvel
    telefono numero numero_di_telefono cellulare telefono_cellulare telefoon telefoonnummer mobiel
"""
_USUAL = {
    "external_id": "external_id contact_id id",
    "timezone": "timezone time_zone tz fuseau_horaire zeitzone zona_horaria fuso_orario",
    "state": "state province state_province us_state",
    "postal_code": "postal_code postcode post_code zip zip_code zipcode code_postal plz postleitzahl",
    "language": "language lang locale langue sprache idioma lingua taal",
    "call_from": "call_from callable_from",
    "call_to": "call_to call_until callable_to",
    "not_before": "not_before call_not_before",
    "expires": "expires expires_at expiry expiry_date call_not_after",
    "consent": "consent opt_in consentement einwilligung consentimiento consenso",
    "consent_at": "consent_at consent_date date_consent consent_time opt_in_date date_consentement date_du_consentement",
    "consent_source": "consent_source opt_in_source source_consentement source_du_consentement",
    "consent_reference": "consent_reference consent_ref consent_proof preuve_consentement reference_consentement",
    "consent_purpose": "consent_purpose",
}
REJECT_HEADINGS = ("rejected_row", "rejected_code", "rejected_reason")
"""What the rejects file puts before a row's own columns: no fields when a mended rejects file is handed
in."""

_LIGATURES = str.maketrans(
    {"ß": "ss", "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}
)


@lru_cache(maxsize=4096)
def fold(heading: str) -> str:
    """A heading without case, accents, spaces and signs: `N° de Téléphone` and `n de telephone` are one."""
    plain = unicodedata.normalize("NFKD", heading).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


_PHONE_FOLDED = frozenset(fold(word) for word in _PHONE.split())
_USUAL_FOLDED = {fold(word): role for role, words in _USUAL.items() for word in words.split()}


def field_name(heading: str, position: int) -> str:
    """The field of a heading, [A-Z0-9_]{1,32}; `COLUMN_<position>` where nothing of it is a Latin letter or
    digit."""
    plain = unicodedata.normalize("NFKD", heading.strip().translate(_LIGATURES))
    ascii_only = plain.encode("ascii", "ignore").decode().upper()
    name = re.sub(r"[^A-Z0-9]+", "_", ascii_only).strip("_")[:32].strip("_")
    return name or f"COLUMN_{position}"


def is_phone_heading(text: str) -> bool:
    """Is this one of the usual headings of a phone number's column?"""
    return fold(text) in _PHONE_FOLDED


def usual_role(text: str) -> str | None:
    """The role (of `engine.intake.source.Columns`, the phone number aside) whose usual heading this is."""
    return _USUAL_FOLDED.get(fold(text))
