"""Cuts the shipped data on chemical elements out of the wheel of `mendeleev`.

`python -m scripts.cut_elements [--package FILE] [--out DIR]` writes gzipped CSV files and
`PROVENANCE.md`. The same wheel gives the same bytes.
"""

import sqlite3
import sys
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

from scripts.data_cut import Package, Table, run_cut, write_cut

PACKAGE = Package(
    "mendeleev==1.3.0",
    "mendeleev-1.3.0-py3-none-any.whl",
    "76f415767b654634e51dead755513ef431abf200e892eab8468aa659ff218d1c",
)
DATABASE = "mendeleev/elements.db"

# Table: the source's name and the columns that are left out.
TABLES: dict[str, tuple[str, frozenset[str]]] = {
    "series": ("series", frozenset({"color"})),
    "groups": ("groups", frozenset()),
    "elements": (
        "elements",
        frozenset(
            {
                *("description", "sources", "uses", "annotation", "jmol_color", "cpk_color"),
                *("molcas_gv_color", "c6", "c6_gb", "vdw_radius_bondi", "vdw_radius_truhlar"),
                *("vdw_radius_rt", "vdw_radius_batsanov", "vdw_radius_dreiding", "vdw_radius_mm3"),
                *("vdw_radius_uff", "vdw_radius_alvarez"),
            }
        ),
    ),
    "isotopes": (
        "isotopes",
        frozenset({"g_factor_uncertainty", "quadrupole_moment_uncertainty"}),
    ),
    "isotope_decay_modes": ("isotopedecaymodes", frozenset()),
    "ionic_radii": ("ionicradii", frozenset()),
    "oxidation_states": ("oxidationstates", frozenset()),
    "phase_transitions": ("phasetransitions", frozenset()),
}

KEYS = {
    "series": (("id",),),
    "groups": (("group_id",),),
    "elements": (("atomic_number",), ("symbol",), ("name",)),
    "isotopes": (("id",), ("atomic_number", "mass_number")),
    "isotope_decay_modes": (("id",), ("isotope_id", "mode")),
    "ionic_radii": (("id",),),
    "oxidation_states": (("id",), ("atomic_number", "oxidation_state")),
    "phase_transitions": (("id",), ("atomic_number",)),
}
REFERENCES = (
    ("elements", ("series_id",), "series", ("id",)),
    ("elements", ("group_id",), "groups", ("group_id",)),
    ("isotopes", ("atomic_number",), "elements", ("atomic_number",)),
    ("isotope_decay_modes", ("isotope_id",), "isotopes", ("id",)),
    ("ionic_radii", ("atomic_number",), "elements", ("atomic_number",)),
    ("oxidation_states", ("atomic_number",), "elements", ("atomic_number",)),
    ("phase_transitions", ("atomic_number",), "elements", ("atomic_number",)),
)

PROVENANCE = """\
# Chemical elements: where this data comes from

**What.** Properties of the chemical elements, their isotopes and how these decay, ionic radii,
oxidation states and phase transitions. One table is wide, with many values missing; tables have
numbers of their own beside the keys that a chemist would use.

**From.** The wheel `{file}` of the Python package
[mendeleev](https://pypi.org/project/mendeleev/) 1.3.0, SHA-256
`{sha256}`. It names the
publications that each property is from.

**Licence.** MIT (`LICENSE` beside this file): the package's `METADATA` and its file
`licenses/LICENSE`. No file in it gives the data a licence of its own.

## The cut
`scripts/cut_elements.py` made these files; the same wheel gives the same bytes.

* Tables: all rows of those named below, ordered by their first column. Screening constants,
  scattering factors, ionisation energies and what describes the database itself are left out.
* Columns: long texts, colours, most van der Waals radii, C6 coefficients and some uncertainties are
  left out.
* Words of table names are separated by `_`; columns keep their names.
* 0 and 1 of columns declared BOOLEAN became `false` and `true`, NULL an empty field. Values are
  verbatim otherwise.

{files}

## Keys
Rows that repeat an earlier row's values ("repeated"; 0 means that the columns are a key).

{keys}

## References
Rows whose value is found in the other table.

{references}
"""


def field_text(value: object, declared: str) -> str:
    if value is None:
        return ""
    if declared == "BOOLEAN":
        return "true" if value else "false"
    return str(value)


def read_tables(package: Path) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package) as archive:
            path = archive.extract(DATABASE, folder)
        with closing(sqlite3.connect(path)) as connection:
            for name, (source, dropped) in TABLES.items():
                info = connection.execute(f"PRAGMA table_info({source})").fetchall()
                types = {row[1]: row[2] for row in info if row[1] not in dropped}
                query = f"SELECT {', '.join(types)} FROM {source} ORDER BY 1"
                rows = [
                    [
                        field_text(value, kind)
                        for value, kind in zip(row, types.values(), strict=True)
                    ]
                    for row in connection.execute(query)
                ]
                tables[name] = Table(list(types), rows)
    return tables


def cut(package: Path, out: Path) -> None:
    tables = read_tables(package)
    before = {name: len(table.rows) for name, table in tables.items()}
    write_cut(out, PACKAGE, before, tables, provenance=PROVENANCE, keys=KEYS, references=REFERENCES)


if __name__ == "__main__":
    sys.exit(run_cut(__doc__ or "", "elements", PACKAGE, cut))
