"""The manifest's `[contacts]` table: where a campaign's contacts come from and which column is what.

Knows what can be written there. Refuses to open anything: see `engine.intake.readers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from engine.model import Model
from engine.rules.numbers import REGIONS

Format = Literal["csv", "tsv", "xlsx", "ods", "jsonl"]
Duplicates = Literal["reject", "keep", "merge"]

Scalar = str | bool | int | float | datetime | date | time | None
"""What a cell can hold before it becomes text."""

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Column = ColumnName | Annotated[int, Field(ge=1, le=100_000, strict=True)]
"""A column by its heading, or by its position, counted from 1."""

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a contact source may cost. More is an error that names the limit; the defaults are far above what
    campaigns need."""

    rows: int = 10_000_000
    columns: int = 1_000
    cell_chars: int = 100_000
    file_bytes: int = 4 << 30
    unpacked_bytes: int = 8 << 30
    """Of a spreadsheet, which is a ZIP archive."""
    unpacked_ratio: int = 300
    """Unpacked to packed bytes of one member; spreadsheets of real data stay below some 60."""
    array_bytes: int = 64 << 20
    """Of a JSON array, which is read as a whole; JSON Lines have no such limit."""
    memory_bytes: int = 6 << 30
    """Address space of the parsing process."""
    cpu_seconds: int = 3600
    """Of the parsing process; a million rows take some ten."""
    silence_seconds: float = 900.0
    """Longest wait for the next rows, such as those of a slow query."""


class Columns(Model):
    """`[contacts.columns]`: which column is what. Unnamed ones are found by the usual headings
    (`engine.intake.columns`)."""

    phone_number: Annotated[tuple[Column, ...], Field(min_length=1, max_length=20)] | None = None
    """Several columns are several numbers of one contact, tried in this order."""
    external_id: Column | None = None
    timezone: Column | None = None
    state: Column | None = None
    postal_code: Column | None = None
    language: Column | None = None
    name: Column | None = None
    call_from: Column | None = None
    call_to: Column | None = None
    not_before: Column | None = None
    expires: Column | None = None
    consent: Column | None = None
    consent_at: Column | None = None
    consent_source: Column | None = None
    consent_reference: Column | None = None
    consent_purpose: Column | None = None

    @field_validator("phone_number", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return [value] if isinstance(value, str | int) else value


class DatabaseSource(Model):
    """`[contacts.database]`: a query's rows are the contacts.

    `url` is an SQLAlchemy URL; `sqlite:///people.db` is a file in the job folder and needs nothing beside
    Volley, anything else the `database` extra. A URL with a password belongs into an environment variable of
    the engine, named by `url_env`.
    """

    url: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = None
    url_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")] | None = None
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000)]

    @field_validator("url")
    @classmethod
    def _no_secret(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            password = urlsplit(value).password
        except ValueError as error:
            raise ValueError(f"not a database URL: {error}") from error
        if password:
            raise ValueError(
                "a password does not belong into a manifest: put the URL into an environment variable and name it in url_env"
            )
        return value

    @model_validator(mode="after")
    def _one_url(self) -> DatabaseSource:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give exactly one of url and url_env")
        return self


class ContactSource(Model):
    """`[contacts]`: exactly one of `file`, `rows` and `database`, and how to read it."""

    file: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    """A path inside the job folder."""
    rows: tuple[dict[ColumnName, Scalar | tuple[Scalar, ...]], ...] | None = None
    database: DatabaseSource | None = None
    format: Format | None = None
    """Default: what the file's content and name say."""
    sheet: str | Annotated[int, Field(ge=1, strict=True)] | None = None
    """Of a spreadsheet, by name or by position from 1; default: the first visible one."""
    header: bool | None = None
    """Is the first row made of headings? Default: whether it looks so."""
    encoding: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    columns: Columns = Columns()
    region: str | None = None
    """ISO 3166-1 country in which numbers without a country code are read; default: the campaign's."""
    duplicates: Duplicates = "reject"
    """A number that appears again in the file: reject the later row, keep both, or merge it into the
    first."""
    fields: tuple[Column, ...] | None = None
    """Columns to keep as fields of the contact; default: all that have no other role."""

    @field_validator("file")
    @classmethod
    def _inside(cls, value: str | None) -> str | None:
        if value is None:
            return None
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value or "\0" in value or not path.parts:
            raise ValueError("the contacts' file must be a relative path inside the job folder, without ..")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            decoded = b"a".decode(value)
        except LookupError:
            raise ValueError(
                f"unknown encoding {value!r}: use utf-8, utf-16, cp1252, iso-8859-15 or another of Python's names"
            ) from None
        except UnicodeError:
            return value
        if not isinstance(decoded, str):
            raise ValueError(f"{value!r} is no text encoding")
        return value

    @field_validator("delimiter")
    @classmethod
    def _sane_delimiter(cls, value: str | None) -> str | None:
        if value is not None and (value.isalnum() or value in '"\r\n\0'):
            raise ValueError('the delimiter is one sign such as ";" or "," or a tab')
        return value

    @field_validator("region")
    @classmethod
    def _known_region(cls, value: str | None) -> str | None:
        if value is not None and value not in REGIONS:
            raise ValueError(
                f"{value!r} is no ISO 3166-1 country code that has telephone numbers, such as FR, GB or US"
            )
        return value

    @model_validator(mode="after")
    def _one_source(self) -> ContactSource:
        given = [name for name in ("file", "rows", "database") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of file, rows and database"
                + (f", not {' and '.join(given)}" if given else "")
            )
        if self.file is None:
            out_of_place = [
                name
                for name in ("format", "sheet", "encoding", "delimiter")
                if getattr(self, name) is not None
            ]
            if out_of_place:
                raise ValueError(f"{', '.join(out_of_place)}: only for a file")
        return self
