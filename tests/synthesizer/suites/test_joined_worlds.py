from pathlib import Path

import pytest

from astra_arena.core.errors import SynthesisError
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.suites.table_members import table_member
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from tests.synthesizer.inputs import make_single_table
from tests.synthesizer.suites.companies import make_sales
from tests.synthesizer.suites.conftest import joined
from tests.synthesizer.variants.club_bundle import club_bundle


def test_columns_that_hold_keys_of_another_environment_are_links(
    companies: tuple[Path, Path], tmp_path: Path
) -> None:
    with joined(companies, tmp_path) as worlds:
        links = {(link.table, link.columns, link.target) for link in worlds.links}
        assert links == {
            ("refund_accounts", ("customer_code",), "customers"),
            ("parcels", ("customer_code",), "customers"),
            ("parcels", ("product_sku",), "products"),
        }
        assert worlds.environment_of["parcels"] == "returns"
        assert worlds.environment_of["customers"] == "sales"
        assert worlds.catalogue.same_things("parcels", "customer_code", "orders", "customer_code")


def test_a_member_is_known_again_with_the_tools_that_it_has(companies: tuple[Path, Path]) -> None:
    for path in companies:
        bundle = load_bundle(path)
        member = table_member(bundle)
        assert list(member.specs.values()) == list(bundle.environment.tools)


def test_a_member_made_without_tools_that_write_is_known_again(tmp_path: Path) -> None:
    source = make_sales(tmp_path / "sales.sqlite")
    options = TableOptions(gates=QUICK_GATES, tasks=2)
    all_tools = synthesize_tables(source, tmp_path / "all", options).bundle
    assert any(not spec.read_only for spec in table_member(all_tools).specs.values())
    fewer = TableOptions(
        gates=QUICK_GATES, tasks=2, tools=type(options.tools)(most_tools=12, writes=False)
    )
    few = synthesize_tables(source, tmp_path / "few", fewer).bundle
    member = table_member(few)
    assert all(spec.read_only for spec in member.specs.values())
    assert len(member.specs) <= 12


def test_environments_that_name_nothing_in_common_are_refused(
    companies: tuple[Path, Path], tmp_path: Path
) -> None:
    source = make_single_table(tmp_path / "films.csv")
    films = synthesize_tables(
        source, tmp_path / "films", TableOptions(gates=QUICK_GATES, tasks=3)
    ).bundle
    with (
        pytest.raises(SynthesisError, match="name nothing in common: expected a column"),
        joined((companies[0], films.path), tmp_path),
    ):
        pass


def test_tables_of_one_name_are_left_out_and_told(
    companies: tuple[Path, Path], shop_bundle: Bundle, tmp_path: Path
) -> None:
    with (
        pytest.raises(SynthesisError, match="nothing in common"),
        joined((companies[0], shop_bundle.path), tmp_path),
    ):
        pass


def test_bundles_that_were_not_made_from_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="'club' was not made from tables"):
        table_member(club_bundle(tmp_path))
