"""Tools over elements, groups, ionic radius records, oxidation state records, phase transition
records and series.

They read and never write.
Each takes the world, a connection to an SQLite database, and the keyword arguments that its input
schema describes. What an agent may see of a refusal is the message of a `LookupError` or
`ValueError` raised here.
"""

import sqlite3
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

_MOST_ROWS = 50
_DIGITS = 4
"""Digits after the point of figures; more would depend on the order of the rows."""

Value: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Value]
Condition: TypeAlias = tuple[str, Value | Sequence[Value]]
"""SQL and the values for its places; `None` when the condition is not in use."""
Conditions: TypeAlias = list[Condition]


class Table(NamedTuple):
    """A table, and the words to speak of it."""

    sql: str
    columns: dict[str, str]
    """SQL of each column by its name in arguments and replies."""
    key: tuple[str, ...]
    noun: str
    search: str
    """The tool that searches it."""


ELEMENTS = Table(
    sql='"elements"',
    columns={
        "atomic_number": '"atomic_number"',
        "atomic_radius": '"atomic_radius"',
        "block": '"block"',
        "density": '"density"',
        "dipole_polarizability": '"dipole_polarizability"',
        "electron_affinity": '"electron_affinity"',
        "electronic_configuration": '"electronic_configuration"',
        "evaporation_heat": '"evaporation_heat"',
        "fusion_heat": '"fusion_heat"',
        "group_id": '"group_id"',
        "lattice_constant": '"lattice_constant"',
        "lattice_structure": '"lattice_structure"',
        "name": '"name"',
        "period": '"period"',
        "series_id": '"series_id"',
        "specific_heat_capacity": '"specific_heat_capacity"',
        "symbol": '"symbol"',
        "thermal_conductivity": '"thermal_conductivity"',
        "vdw_radius": '"vdw_radius"',
        "covalent_radius_cordero": '"covalent_radius_cordero"',
        "covalent_radius_pyykko": '"covalent_radius_pyykko"',
        "en_pauling": '"en_pauling"',
        "en_allen": '"en_allen"',
        "proton_affinity": '"proton_affinity"',
        "gas_basicity": '"gas_basicity"',
        "heat_of_formation": '"heat_of_formation"',
        "covalent_radius_bragg": '"covalent_radius_bragg"',
        "abundance_crust": '"abundance_crust"',
        "abundance_sea": '"abundance_sea"',
        "en_ghosh": '"en_ghosh"',
        "atomic_weight": '"atomic_weight"',
        "atomic_weight_uncertainty": '"atomic_weight_uncertainty"',
        "is_monoisotopic": '"is_monoisotopic"',
        "is_radioactive": '"is_radioactive"',
        "cas": '"cas"',
        "atomic_radius_rahm": '"atomic_radius_rahm"',
        "geochemical_class": '"geochemical_class"',
        "goldschmidt_class": '"goldschmidt_class"',
        "metallic_radius": '"metallic_radius"',
        "metallic_radius_c12": '"metallic_radius_c12"',
        "covalent_radius_pyykko_double": '"covalent_radius_pyykko_double"',
        "covalent_radius_pyykko_triple": '"covalent_radius_pyykko_triple"',
        "discoverers": '"discoverers"',
        "discovery_year": '"discovery_year"',
        "discovery_location": '"discovery_location"',
        "name_origin": '"name_origin"',
        "mendeleev_number": '"mendeleev_number"',
        "dipole_polarizability_unc": '"dipole_polarizability_unc"',
        "pettifor_number": '"pettifor_number"',
        "glawe_number": '"glawe_number"',
        "molar_heat_capacity": '"molar_heat_capacity"',
        "en_miedema": '"en_miedema"',
        "miedema_molar_volume": '"miedema_molar_volume"',
        "miedema_electron_density": '"miedema_electron_density"',
        "en_gunnarsson_lundqvist": '"en_gunnarsson_lundqvist"',
        "en_robles_bartolotti": '"en_robles_bartolotti"',
        "production_concentration": '"production_concentration"',
        "relative_supply_risk": '"relative_supply_risk"',
        "reserve_distribution": '"reserve_distribution"',
        "political_stability_of_top_producer": '"political_stability_of_top_producer"',
        "political_stability_of_top_reserve_holder": '"political_stability_of_top_reserve_holder"',
        "top_3_producers": '"top_3_producers"',
        "top_3_reserve_holders": '"top_3_reserve_holders"',
        "recycling_rate": '"recycling_rate"',
        "substitutability": '"substitutability"',
        "price_per_kg": '"price_per_kg"',
        "en_mullay": '"en_mullay"',
    },
    key=("atomic_number",),
    noun="element",
    search="find_elements",
)

ElementsSortBy: TypeAlias = Literal["atomic_radius", "density", "dipole_polarizability"]

ElementsMeasure: TypeAlias = Literal[
    "atomic_radius",
    "density",
    "dipole_polarizability",
    "electron_affinity",
    "evaporation_heat",
    "fusion_heat",
    "lattice_constant",
    "specific_heat_capacity",
    "thermal_conductivity",
    "vdw_radius",
    "covalent_radius_cordero",
    "covalent_radius_pyykko",
    "en_pauling",
    "en_allen",
    "proton_affinity",
    "gas_basicity",
    "heat_of_formation",
    "covalent_radius_bragg",
    "abundance_crust",
    "abundance_sea",
    "en_ghosh",
    "atomic_weight",
    "atomic_weight_uncertainty",
    "atomic_radius_rahm",
    "metallic_radius",
    "metallic_radius_c12",
    "covalent_radius_pyykko_double",
    "covalent_radius_pyykko_triple",
    "dipole_polarizability_unc",
    "molar_heat_capacity",
    "en_miedema",
    "miedema_molar_volume",
    "miedema_electron_density",
    "en_gunnarsson_lundqvist",
    "en_robles_bartolotti",
    "production_concentration",
    "relative_supply_risk",
    "reserve_distribution",
    "political_stability_of_top_producer",
    "political_stability_of_top_reserve_holder",
    "price_per_kg",
    "en_mullay",
]

GROUPS = Table(
    sql='"groups"',
    columns={
        "group_id": '"group_id"',
        "symbol": '"symbol"',
        "name": '"name"',
    },
    key=("group_id",),
    noun="group",
    search="find_groups",
)

IONIC_RADIUS_RECORDS = Table(
    sql='"ionic_radii"',
    columns={
        "id": '"id"',
        "atomic_number": '"atomic_number"',
        "charge": '"charge"',
        "econf": '"econf"',
        "coordination": '"coordination"',
        "spin": '"spin"',
        "crystal_radius": '"crystal_radius"',
        "ionic_radius": '"ionic_radius"',
        "origin": '"origin"',
        "most_reliable": '"most_reliable"',
    },
    key=("id",),
    noun="ionic radius record",
    search="find_ionic_radius_records",
)

IonicRadiusRecordsSortBy: TypeAlias = Literal["crystal_radius", "ionic_radius"]

IonicRadiusRecordsMeasure: TypeAlias = Literal["crystal_radius", "ionic_radius"]

OXIDATION_STATE_RECORDS = Table(
    sql='"oxidation_states"',
    columns={
        "id": '"id"',
        "atomic_number": '"atomic_number"',
        "oxidation_state": '"oxidation_state"',
        "category": '"category"',
    },
    key=("id",),
    noun="oxidation state record",
    search="find_oxidation_state_records",
)

PHASE_TRANSITION_RECORDS = Table(
    sql='"phase_transitions"',
    columns={
        "id": '"id"',
        "atomic_number": '"atomic_number"',
        "boiling_point": '"boiling_point"',
        "melting_point": '"melting_point"',
        "critical_temperature": '"critical_temperature"',
        "critical_pressure": '"critical_pressure"',
        "triple_point_temperature": '"triple_point_temperature"',
        "triple_point_pressure": '"triple_point_pressure"',
        "allotrope": '"allotrope"',
        "is_sublimation_point": '"is_sublimation_point"',
        "is_transition": '"is_transition"',
    },
    key=("id",),
    noun="phase transition record",
    search="find_phase_transition_records",
)

PhaseTransitionRecordsSortBy: TypeAlias = Literal[
    "boiling_point",
    "melting_point",
    "critical_temperature",
    "critical_pressure",
    "triple_point_temperature",
    "triple_point_pressure",
]

PhaseTransitionRecordsMeasure: TypeAlias = Literal[
    "boiling_point",
    "melting_point",
    "critical_temperature",
    "critical_pressure",
    "triple_point_temperature",
    "triple_point_pressure",
]

SERIES = Table(
    sql='"series"',
    columns={
        "id": '"id"',
        "name": '"name"',
    },
    key=("id",),
    noun="series",
    search="find_series",
)


def _where(conditions: Conditions) -> tuple[str, list[Value]]:
    """Return the WHERE clause of the conditions in use, and its values in order."""
    used = [(sql, value) for sql, value in conditions if value is not None]
    clause = " AND ".join(sql for sql, _ in used)
    values: list[Value] = []
    for _, value in used:
        values += [value] if isinstance(value, str | int | float) else value
    return f" WHERE {clause}" if clause else "", values


def _one_of(column: str, values: Sequence[Value] | None) -> Condition:
    """Return the condition that a column holds one of some values."""
    return f"{column} IN ({', '.join('?' for _ in values or ())})", values


def _existing(world: sqlite3.Connection, table: Table, *key: Value) -> Row:
    """Return the row with this key."""
    listed = ", ".join(table.columns.values())
    where = " AND ".join(f"{table.columns[field]} = ?" for field in table.key)
    found = world.execute(f"SELECT {listed} FROM {table.sql} WHERE {where}", key).fetchone()
    if found is None:
        came = ", ".join(f"{field} {value!r}" for field, value in zip(table.key, key, strict=True))
        raise LookupError(f"there is no {table.noun} with {came}; {table.search} searches")
    return dict(zip(table.columns, found, strict=True))


def _count(world: sqlite3.Connection, table: Table, conditions: Conditions) -> int:
    where, values = _where(conditions)
    total: int = world.execute(f"SELECT count(*) FROM {table.sql}{where}", values).fetchone()[0]
    return total


def _require_page(limit: int, offset: int) -> None:
    if not 1 <= limit <= _MOST_ROWS:
        raise ValueError(f"limit is 1 to {_MOST_ROWS}, not {limit}")
    if offset < 0:
        raise ValueError(f"offset is 0 or more, not {offset}")


def _page(
    world: sqlite3.Connection,
    table: Table,
    conditions: Conditions,
    *,
    sort_by: str | None = None,
    order: str = "ascending",
    limit: int,
    offset: int,
) -> dict[str, object]:
    """Return one page of the rows that satisfy the conditions; rows without a value come last."""
    _require_page(limit, offset)
    where, values = _where(conditions)
    listed = ", ".join(table.columns.values())
    order_by = ", ".join(table.columns[field] for field in table.key)
    if sort_by is not None:
        by = table.columns[sort_by]
        direction = "DESC" if order == "descending" else "ASC"
        order_by = f"{by} IS NULL, {by} {direction}, {order_by}"
    found = world.execute(
        f"SELECT {listed} FROM {table.sql}{where} ORDER BY {order_by} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    rows: list[Row] = [dict(zip(table.columns, row, strict=True)) for row in found]
    total = _count(world, table, conditions)
    return {"total": total, "rows": rows, "truncated": offset + len(rows) < total}


def _figures(sql: str) -> str:
    """Return what SQL selects to summarise a column: least, most, mean and sum."""
    return (
        f"min({sql}), max({sql}), round(avg({sql}), {_DIGITS}), "
        f"CASE WHEN count({sql}) THEN round(total({sql}), {_DIGITS}) END"
    )


def _summary(
    world: sqlite3.Connection, table: Table, column: str, conditions: Conditions
) -> dict[str, object]:
    """Return minimum, maximum, mean and sum of a column; null when no row has a value."""
    where, values = _where(conditions)
    query = f"SELECT {_figures(table.columns[column])} FROM {table.sql}{where}"
    least, most, mean, total = world.execute(query, values).fetchone()
    return {"column": column, "minimum": least, "maximum": most, "mean": mean, "sum": total}


def get_element(
    world: sqlite3.Connection,
    *,
    atomic_number: int,
) -> dict[str, object]:
    """Return the one element with this atomic number, all columns.

    Fails when there is none; find_elements searches. Elements; many properties are not known
    for all of them.
    """
    row = _existing(world, ELEMENTS, atomic_number)
    return {"row": row}


def find_elements(
    world: sqlite3.Connection,
    *,
    atomic_number: int | None = None,
    atomic_radius_min: float | None = None,
    atomic_radius_max: float | None = None,
    block: str | None = None,
    density_min: float | None = None,
    density_max: float | None = None,
    dipole_polarizability_min: float | None = None,
    dipole_polarizability_max: float | None = None,
    electronic_configuration: str | None = None,
    group_id: int | None = None,
    lattice_structure: str | None = None,
    name: str | None = None,
    period: int | None = None,
    series_id: int | None = None,
    symbol: str | None = None,
    is_radioactive: int | None = None,
    cas: str | None = None,
    geochemical_class: str | None = None,
    goldschmidt_class: str | None = None,
    discovery_location: str | None = None,
    top_3_producers: str | None = None,
    top_3_reserve_holders: str | None = None,
    recycling_rate: str | None = None,
    substitutability: str | None = None,
    sort_by: ElementsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search elements: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"atomic_number" = ?', atomic_number),
        ('"atomic_radius" >= ?', atomic_radius_min),
        ('"atomic_radius" <= ?', atomic_radius_max),
        ('"block" = ?', block),
        ('"density" >= ?', density_min),
        ('"density" <= ?', density_max),
        ('"dipole_polarizability" >= ?', dipole_polarizability_min),
        ('"dipole_polarizability" <= ?', dipole_polarizability_max),
        ('"electronic_configuration" = ?', electronic_configuration),
        ('"group_id" = ?', group_id),
        ('"lattice_structure" = ?', lattice_structure),
        ('"name" = ?', name),
        ('"period" = ?', period),
        ('"series_id" = ?', series_id),
        ('"symbol" = ?', symbol),
        ('"is_radioactive" = ?', is_radioactive),
        ('"cas" = ?', cas),
        ('"geochemical_class" = ?', geochemical_class),
        ('"goldschmidt_class" = ?', goldschmidt_class),
        ('"discovery_location" = ?', discovery_location),
        ('"top_3_producers" = ?', top_3_producers),
        ('"top_3_reserve_holders" = ?', top_3_reserve_holders),
        ('"recycling_rate" = ?', recycling_rate),
        ('"substitutability" = ?', substitutability),
    ]
    return _page(
        world,
        ELEMENTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_elements(
    world: sqlite3.Connection,
    *,
    atomic_number: int | None = None,
    atomic_radius_min: float | None = None,
    atomic_radius_max: float | None = None,
    block: str | None = None,
    density_min: float | None = None,
    density_max: float | None = None,
    dipole_polarizability_min: float | None = None,
    dipole_polarizability_max: float | None = None,
    electronic_configuration: str | None = None,
    group_id: int | None = None,
    lattice_structure: str | None = None,
    name: str | None = None,
    period: int | None = None,
    series_id: int | None = None,
    symbol: str | None = None,
    is_radioactive: int | None = None,
    cas: str | None = None,
    geochemical_class: str | None = None,
    goldschmidt_class: str | None = None,
    discovery_location: str | None = None,
    top_3_producers: str | None = None,
    top_3_reserve_holders: str | None = None,
    recycling_rate: str | None = None,
    substitutability: str | None = None,
) -> dict[str, object]:
    """Count the elements that satisfy every filter given."""
    conditions: Conditions = [
        ('"atomic_number" = ?', atomic_number),
        ('"atomic_radius" >= ?', atomic_radius_min),
        ('"atomic_radius" <= ?', atomic_radius_max),
        ('"block" = ?', block),
        ('"density" >= ?', density_min),
        ('"density" <= ?', density_max),
        ('"dipole_polarizability" >= ?', dipole_polarizability_min),
        ('"dipole_polarizability" <= ?', dipole_polarizability_max),
        ('"electronic_configuration" = ?', electronic_configuration),
        ('"group_id" = ?', group_id),
        ('"lattice_structure" = ?', lattice_structure),
        ('"name" = ?', name),
        ('"period" = ?', period),
        ('"series_id" = ?', series_id),
        ('"symbol" = ?', symbol),
        ('"is_radioactive" = ?', is_radioactive),
        ('"cas" = ?', cas),
        ('"geochemical_class" = ?', geochemical_class),
        ('"goldschmidt_class" = ?', goldschmidt_class),
        ('"discovery_location" = ?', discovery_location),
        ('"top_3_producers" = ?', top_3_producers),
        ('"top_3_reserve_holders" = ?', top_3_reserve_holders),
        ('"recycling_rate" = ?', recycling_rate),
        ('"substitutability" = ?', substitutability),
    ]
    return {"total": _count(world, ELEMENTS, conditions)}


def summarise_elements(
    world: sqlite3.Connection,
    *,
    column: ElementsMeasure,
    atomic_number: int | None = None,
    atomic_radius_min: float | None = None,
    atomic_radius_max: float | None = None,
    block: str | None = None,
    density_min: float | None = None,
    density_max: float | None = None,
    dipole_polarizability_min: float | None = None,
    dipole_polarizability_max: float | None = None,
    electronic_configuration: str | None = None,
    group_id: int | None = None,
    lattice_structure: str | None = None,
    name: str | None = None,
    period: int | None = None,
    series_id: int | None = None,
    symbol: str | None = None,
    is_radioactive: int | None = None,
    cas: str | None = None,
    geochemical_class: str | None = None,
    goldschmidt_class: str | None = None,
    discovery_location: str | None = None,
    top_3_producers: str | None = None,
    top_3_reserve_holders: str | None = None,
    recycling_rate: str | None = None,
    substitutability: str | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the elements that satisfy every filter
    given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"atomic_number" = ?', atomic_number),
        ('"atomic_radius" >= ?', atomic_radius_min),
        ('"atomic_radius" <= ?', atomic_radius_max),
        ('"block" = ?', block),
        ('"density" >= ?', density_min),
        ('"density" <= ?', density_max),
        ('"dipole_polarizability" >= ?', dipole_polarizability_min),
        ('"dipole_polarizability" <= ?', dipole_polarizability_max),
        ('"electronic_configuration" = ?', electronic_configuration),
        ('"group_id" = ?', group_id),
        ('"lattice_structure" = ?', lattice_structure),
        ('"name" = ?', name),
        ('"period" = ?', period),
        ('"series_id" = ?', series_id),
        ('"symbol" = ?', symbol),
        ('"is_radioactive" = ?', is_radioactive),
        ('"cas" = ?', cas),
        ('"geochemical_class" = ?', geochemical_class),
        ('"goldschmidt_class" = ?', goldschmidt_class),
        ('"discovery_location" = ?', discovery_location),
        ('"top_3_producers" = ?', top_3_producers),
        ('"top_3_reserve_holders" = ?', top_3_reserve_holders),
        ('"recycling_rate" = ?', recycling_rate),
        ('"substitutability" = ?', substitutability),
    ]
    return _summary(world, ELEMENTS, column, conditions)


def list_elements_of_group(
    world: sqlite3.Connection,
    *,
    group_id: int,
    sort_by: ElementsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the elements of one group, named by its group number, sorted, one page at a time.

    Fails when there is no such group.
    """
    _existing(world, GROUPS, group_id)
    conditions: Conditions = [('"group_id" = ?', group_id)]
    return _page(
        world,
        ELEMENTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def list_elements_of_series(
    world: sqlite3.Connection,
    *,
    id: int,
    sort_by: ElementsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the elements of one series, named by its series number, sorted, one page at a time.

    Fails when there is no such series.
    """
    _existing(world, SERIES, id)
    conditions: Conditions = [('"series_id" = ?', id)]
    return _page(
        world,
        ELEMENTS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def get_group(
    world: sqlite3.Connection,
    *,
    group_id: int,
) -> dict[str, object]:
    """Return the one group with this group number, all columns.

    Fails when there is none; find_groups searches. Groups of the periodic table.
    """
    row = _existing(world, GROUPS, group_id)
    return {"row": row}


def find_groups(
    world: sqlite3.Connection,
    *,
    group_id: int | None = None,
    symbol: str | None = None,
    name: str | None = None,
    name_in: list[str] | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search groups: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"group_id" = ?', group_id),
        ('"symbol" = ?', symbol),
        ('"name" = ?', name),
        _one_of('"name"', name_in),
    ]
    return _page(world, GROUPS, conditions, limit=limit, offset=offset)


def count_groups(
    world: sqlite3.Connection,
    *,
    group_id: int | None = None,
    symbol: str | None = None,
    name: str | None = None,
    name_in: list[str] | None = None,
) -> dict[str, object]:
    """Count the groups that satisfy every filter given."""
    conditions: Conditions = [
        ('"group_id" = ?', group_id),
        ('"symbol" = ?', symbol),
        ('"name" = ?', name),
        _one_of('"name"', name_in),
    ]
    return {"total": _count(world, GROUPS, conditions)}


def get_ionic_radius_record(
    world: sqlite3.Connection,
    *,
    id: int,
) -> dict[str, object]:
    """Return the one ionic radius record with this record number, all columns.

    Fails when there is none; find_ionic_radius_records searches. Ionic radii by charge,
    coordination and spin.
    """
    row = _existing(world, IONIC_RADIUS_RECORDS, id)
    return {"row": row}


def find_ionic_radius_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    charge: int | None = None,
    econf: str | None = None,
    coordination: str | None = None,
    coordination_in: list[str] | None = None,
    spin: str | None = None,
    crystal_radius_min: float | None = None,
    crystal_radius_max: float | None = None,
    ionic_radius_min: float | None = None,
    ionic_radius_max: float | None = None,
    origin: str | None = None,
    origin_in: list[str] | None = None,
    most_reliable: int | None = None,
    sort_by: IonicRadiusRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search ionic radius records: those that satisfy every filter given, sorted, one page at a
    time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"charge" = ?', charge),
        ('"econf" = ?', econf),
        ('"coordination" = ?', coordination),
        _one_of('"coordination"', coordination_in),
        ('"spin" = ?', spin),
        ('"crystal_radius" >= ?', crystal_radius_min),
        ('"crystal_radius" <= ?', crystal_radius_max),
        ('"ionic_radius" >= ?', ionic_radius_min),
        ('"ionic_radius" <= ?', ionic_radius_max),
        ('"origin" = ?', origin),
        _one_of('"origin"', origin_in),
        ('"most_reliable" = ?', most_reliable),
    ]
    return _page(
        world,
        IONIC_RADIUS_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_ionic_radius_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    charge: int | None = None,
    econf: str | None = None,
    coordination: str | None = None,
    coordination_in: list[str] | None = None,
    spin: str | None = None,
    crystal_radius_min: float | None = None,
    crystal_radius_max: float | None = None,
    ionic_radius_min: float | None = None,
    ionic_radius_max: float | None = None,
    origin: str | None = None,
    origin_in: list[str] | None = None,
    most_reliable: int | None = None,
) -> dict[str, object]:
    """Count the ionic radius records that satisfy every filter given."""
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"charge" = ?', charge),
        ('"econf" = ?', econf),
        ('"coordination" = ?', coordination),
        _one_of('"coordination"', coordination_in),
        ('"spin" = ?', spin),
        ('"crystal_radius" >= ?', crystal_radius_min),
        ('"crystal_radius" <= ?', crystal_radius_max),
        ('"ionic_radius" >= ?', ionic_radius_min),
        ('"ionic_radius" <= ?', ionic_radius_max),
        ('"origin" = ?', origin),
        _one_of('"origin"', origin_in),
        ('"most_reliable" = ?', most_reliable),
    ]
    return {"total": _count(world, IONIC_RADIUS_RECORDS, conditions)}


def summarise_ionic_radius_records(
    world: sqlite3.Connection,
    *,
    column: IonicRadiusRecordsMeasure,
    id: int | None = None,
    atomic_number: int | None = None,
    charge: int | None = None,
    econf: str | None = None,
    coordination: str | None = None,
    coordination_in: list[str] | None = None,
    spin: str | None = None,
    crystal_radius_min: float | None = None,
    crystal_radius_max: float | None = None,
    ionic_radius_min: float | None = None,
    ionic_radius_max: float | None = None,
    origin: str | None = None,
    origin_in: list[str] | None = None,
    most_reliable: int | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the ionic radius records that satisfy
    every filter given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"charge" = ?', charge),
        ('"econf" = ?', econf),
        ('"coordination" = ?', coordination),
        _one_of('"coordination"', coordination_in),
        ('"spin" = ?', spin),
        ('"crystal_radius" >= ?', crystal_radius_min),
        ('"crystal_radius" <= ?', crystal_radius_max),
        ('"ionic_radius" >= ?', ionic_radius_min),
        ('"ionic_radius" <= ?', ionic_radius_max),
        ('"origin" = ?', origin),
        _one_of('"origin"', origin_in),
        ('"most_reliable" = ?', most_reliable),
    ]
    return _summary(world, IONIC_RADIUS_RECORDS, column, conditions)


def list_ionic_radius_records_of_element(
    world: sqlite3.Connection,
    *,
    atomic_number: int,
    sort_by: IonicRadiusRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """List the ionic radius records of one element, named by its atomic number, sorted, one page
    at a time.

    Fails when there is no such element.
    """
    _existing(world, ELEMENTS, atomic_number)
    conditions: Conditions = [('"atomic_number" = ?', atomic_number)]
    return _page(
        world,
        IONIC_RADIUS_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def get_oxidation_state_record(
    world: sqlite3.Connection,
    *,
    id: int,
) -> dict[str, object]:
    """Return the one oxidation state record with this record number, all columns.

    Fails when there is none; find_oxidation_state_records searches. Oxidation states that
    elements take.
    """
    row = _existing(world, OXIDATION_STATE_RECORDS, id)
    return {"row": row}


def find_oxidation_state_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    oxidation_state: int | None = None,
    category: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search oxidation state records: those that satisfy every filter given, sorted, one page at a
    time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"oxidation_state" = ?', oxidation_state),
        ('"category" = ?', category),
    ]
    return _page(world, OXIDATION_STATE_RECORDS, conditions, limit=limit, offset=offset)


def count_oxidation_state_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    oxidation_state: int | None = None,
    category: str | None = None,
) -> dict[str, object]:
    """Count the oxidation state records that satisfy every filter given."""
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"oxidation_state" = ?', oxidation_state),
        ('"category" = ?', category),
    ]
    return {"total": _count(world, OXIDATION_STATE_RECORDS, conditions)}


def get_phase_transition_record(
    world: sqlite3.Connection,
    *,
    id: int,
) -> dict[str, object]:
    """Return the one phase transition record with this record number, all columns.

    Fails when there is none; find_phase_transition_records searches. Temperatures and pressures
    of phase transitions, by allotrope.
    """
    row = _existing(world, PHASE_TRANSITION_RECORDS, id)
    return {"row": row}


def find_phase_transition_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    boiling_point_min: float | None = None,
    boiling_point_max: float | None = None,
    melting_point_min: float | None = None,
    melting_point_max: float | None = None,
    critical_temperature_min: float | None = None,
    critical_temperature_max: float | None = None,
    critical_pressure_min: float | None = None,
    critical_pressure_max: float | None = None,
    triple_point_temperature_min: float | None = None,
    triple_point_temperature_max: float | None = None,
    triple_point_pressure_min: float | None = None,
    triple_point_pressure_max: float | None = None,
    allotrope: str | None = None,
    allotrope_in: list[str] | None = None,
    sort_by: PhaseTransitionRecordsSortBy | None = None,
    order: Literal["ascending", "descending"] = "ascending",
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search phase transition records: those that satisfy every filter given, sorted, one page at
    a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"boiling_point" >= ?', boiling_point_min),
        ('"boiling_point" <= ?', boiling_point_max),
        ('"melting_point" >= ?', melting_point_min),
        ('"melting_point" <= ?', melting_point_max),
        ('"critical_temperature" >= ?', critical_temperature_min),
        ('"critical_temperature" <= ?', critical_temperature_max),
        ('"critical_pressure" >= ?', critical_pressure_min),
        ('"critical_pressure" <= ?', critical_pressure_max),
        ('"triple_point_temperature" >= ?', triple_point_temperature_min),
        ('"triple_point_temperature" <= ?', triple_point_temperature_max),
        ('"triple_point_pressure" >= ?', triple_point_pressure_min),
        ('"triple_point_pressure" <= ?', triple_point_pressure_max),
        ('"allotrope" = ?', allotrope),
        _one_of('"allotrope"', allotrope_in),
    ]
    return _page(
        world,
        PHASE_TRANSITION_RECORDS,
        conditions,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
    )


def count_phase_transition_records(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    atomic_number: int | None = None,
    boiling_point_min: float | None = None,
    boiling_point_max: float | None = None,
    melting_point_min: float | None = None,
    melting_point_max: float | None = None,
    critical_temperature_min: float | None = None,
    critical_temperature_max: float | None = None,
    critical_pressure_min: float | None = None,
    critical_pressure_max: float | None = None,
    triple_point_temperature_min: float | None = None,
    triple_point_temperature_max: float | None = None,
    triple_point_pressure_min: float | None = None,
    triple_point_pressure_max: float | None = None,
    allotrope: str | None = None,
    allotrope_in: list[str] | None = None,
) -> dict[str, object]:
    """Count the phase transition records that satisfy every filter given."""
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"boiling_point" >= ?', boiling_point_min),
        ('"boiling_point" <= ?', boiling_point_max),
        ('"melting_point" >= ?', melting_point_min),
        ('"melting_point" <= ?', melting_point_max),
        ('"critical_temperature" >= ?', critical_temperature_min),
        ('"critical_temperature" <= ?', critical_temperature_max),
        ('"critical_pressure" >= ?', critical_pressure_min),
        ('"critical_pressure" <= ?', critical_pressure_max),
        ('"triple_point_temperature" >= ?', triple_point_temperature_min),
        ('"triple_point_temperature" <= ?', triple_point_temperature_max),
        ('"triple_point_pressure" >= ?', triple_point_pressure_min),
        ('"triple_point_pressure" <= ?', triple_point_pressure_max),
        ('"allotrope" = ?', allotrope),
        _one_of('"allotrope"', allotrope_in),
    ]
    return {"total": _count(world, PHASE_TRANSITION_RECORDS, conditions)}


def summarise_phase_transition_records(
    world: sqlite3.Connection,
    *,
    column: PhaseTransitionRecordsMeasure,
    id: int | None = None,
    atomic_number: int | None = None,
    boiling_point_min: float | None = None,
    boiling_point_max: float | None = None,
    melting_point_min: float | None = None,
    melting_point_max: float | None = None,
    critical_temperature_min: float | None = None,
    critical_temperature_max: float | None = None,
    critical_pressure_min: float | None = None,
    critical_pressure_max: float | None = None,
    triple_point_temperature_min: float | None = None,
    triple_point_temperature_max: float | None = None,
    triple_point_pressure_min: float | None = None,
    triple_point_pressure_max: float | None = None,
    allotrope: str | None = None,
    allotrope_in: list[str] | None = None,
) -> dict[str, object]:
    """Minimum, maximum, mean and sum of one column over the phase transition records that satisfy
    every filter given.

    Rows without a value are passed over; mean and sum are rounded to 4 digits.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"atomic_number" = ?', atomic_number),
        ('"boiling_point" >= ?', boiling_point_min),
        ('"boiling_point" <= ?', boiling_point_max),
        ('"melting_point" >= ?', melting_point_min),
        ('"melting_point" <= ?', melting_point_max),
        ('"critical_temperature" >= ?', critical_temperature_min),
        ('"critical_temperature" <= ?', critical_temperature_max),
        ('"critical_pressure" >= ?', critical_pressure_min),
        ('"critical_pressure" <= ?', critical_pressure_max),
        ('"triple_point_temperature" >= ?', triple_point_temperature_min),
        ('"triple_point_temperature" <= ?', triple_point_temperature_max),
        ('"triple_point_pressure" >= ?', triple_point_pressure_min),
        ('"triple_point_pressure" <= ?', triple_point_pressure_max),
        ('"allotrope" = ?', allotrope),
        _one_of('"allotrope"', allotrope_in),
    ]
    return _summary(world, PHASE_TRANSITION_RECORDS, column, conditions)


def get_series(
    world: sqlite3.Connection,
    *,
    id: int,
) -> dict[str, object]:
    """Return the one series with this series number, all columns.

    Fails when there is none; find_series searches. Series of elements.
    """
    row = _existing(world, SERIES, id)
    return {"row": row}


def find_series(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    name: str | None = None,
    limit: int = 5,
    offset: int = 0,
) -> dict[str, object]:
    """Search series: those that satisfy every filter given, sorted, one page at a time.

    `total` counts all of them; `truncated` says whether more follow after this page.
    """
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"name" = ?', name),
    ]
    return _page(world, SERIES, conditions, limit=limit, offset=offset)


def count_series(
    world: sqlite3.Connection,
    *,
    id: int | None = None,
    name: str | None = None,
) -> dict[str, object]:
    """Count the series that satisfy every filter given."""
    conditions: Conditions = [
        ('"id" = ?', id),
        ('"name" = ?', name),
    ]
    return {"total": _count(world, SERIES, conditions)}
