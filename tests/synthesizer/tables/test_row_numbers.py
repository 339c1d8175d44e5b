from pathlib import Path

import pytest

from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from tests.support.requirement import requirement
from tests.synthesizer.analysed import analysed
from tests.synthesizer.inputs import make_keyless, make_shop


@requirement("sources:row-numbers")
def test_rows_that_mostly_differ_are_numbered_where_there_is_no_key(tmp_path: Path) -> None:
    source = tmp_path / "readings.csv"
    rows = [f"sensor {n % 7},{n % 97},{n % 13}" for n in range(300)]
    source.write_text("Row_Number,speed,level\n" + "\n".join([*rows, rows[0]]), encoding="utf-8")
    made = synthesize_tables(source, tmp_path / "bundle", TableOptions(gates=QUICK_GATES, tasks=5))
    notice = "table 'readings' has no key: its rows were numbered in a new column 'row_number_2'"
    assert notice in made.notices
    assert made.bundle.environment.provenance["keys"] == {
        "readings": {"columns": ["row_number_2"], "evidence": "unique column"}
    }


@requirement("input:no-key", "sources:row-numbers")
def test_rows_that_mostly_repeat_stay_out(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    make_keyless(folder / "sizes.csv")
    with pytest.raises(SourceError, match="whose rows can be told apart"), analysed(folder):
        pass
    make_shop(tmp_path / "shop.sqlite")
    (folder / "towns.csv").write_text("id,name\n1,Oslo\n2,Lima\n", encoding="utf-8")
    with analysed(folder) as source:
        assert [entity.name for entity in source.catalogue.entities] == ["towns"]
        assert source.analysis.notices[0].startswith("table 'sizes' is left out: no column")
