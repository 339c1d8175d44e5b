from astra_arena.core.canonical import JsonObject
from astra_arena.synthesizer.tables.schema_parts import meaning
from astra_arena.synthesizer.tables.tool_schemas import tool_specs
from tests.synthesizer.analysed import Analysed


def properties_of(schema: JsonObject) -> dict[str, JsonObject]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return {name: rule for name, rule in properties.items() if isinstance(rule, dict)}


def test_every_property_is_typed_and_described(flights: Analysed) -> None:
    for design in flights.designs:
        for spec in tool_specs(design):
            for rule in properties_of(spec.input_schema).values():
                assert "anyOf" in rule or isinstance(rule["type"], str)
                assert rule["description"]
            assert spec.read_only, "nobody changes what flew"
            assert spec.input_schema["additionalProperties"] is False


def test_descriptions_come_from_the_hints(flights: Analysed) -> None:
    flight = flights.catalogue.by_name["flights"]
    assert meaning(flight.by_name["dep_delay"]).startswith("Departure delay in minutes, negative")
    assert meaning(flight.by_name["time_hour"]).endswith("written like 9999-99-99T99:99:99Z.")


def test_only_columns_with_gaps_may_be_null(shop: Analysed) -> None:
    get_product = tool_specs(shop.design("products"))[0]
    row = properties_of(get_product.output_schema)["row"]
    assert properties_of(row)["weight"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert properties_of(row)["title"]["type"] == "string"


def test_few_values_are_listed_in_alphabetical_order(flights: Analysed) -> None:
    find_flights = tool_specs(flights.design("flights"))[1]
    told = properties_of(find_flights.input_schema)["origin"]["description"]
    assert isinstance(told, str)
    assert told.endswith("One of EWR, JFK, LGA.")


def test_numbers_to_look_for_are_those_that_a_database_holds(shop: Analysed) -> None:
    for design in shop.designs:
        for spec in tool_specs(design):
            for name, rule in properties_of(spec.input_schema).items():
                forms = rule.get("anyOf", [rule])
                assert isinstance(forms, list)
                for form in forms:
                    assert isinstance(form, dict)
                    if form["type"] in ("integer", "number"):
                        most, least = form["maximum"], form["minimum"]
                        assert isinstance(most, int), name
                        assert isinstance(least, int), name
                        assert 1 - 2**53 <= least < most <= 2**53 - 1, name


def test_huge_integers_can_be_looked_for_and_huge_floats_cannot(large: Analysed) -> None:
    find_spans = properties_of(tool_specs(large.design("spans"))[1].input_schema)
    forms = find_spans["started_amount_min"]["anyOf"]
    assert isinstance(forms, list)
    assert forms[0] == {"type": "integer", "minimum": 1 - 2**63, "maximum": 2**63 - 1}
    assert not any(name.startswith("mass") for name in find_spans)
    assert not large.catalogue.by_name["spans"].by_name["mass"].words.in_questions
