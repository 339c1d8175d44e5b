"""The good half of the held-out cases: each an environment with five to eight tasks."""

from collections.abc import Callable
from dataclasses import replace

from astra_arena.core.tasks import Task
from tests.gate_corpus.case import Case, Draft
from tests.gate_corpus.held_out import hotel_tasks, library_tasks, shop_tasks, weather_tasks
from tests.gate_corpus.held_out.hotel_world import hotels
from tests.gate_corpus.held_out.library_world import library
from tests.gate_corpus.held_out.shop_world import shop
from tests.gate_corpus.held_out.weather_world import weather
from tests.gate_corpus.writing import good


def with_tasks(
    environment: Callable[[], Draft], *themes: Callable[[], tuple[Task, ...]]
) -> Callable[[], Draft]:
    """Return what makes an environment with the tasks of these themes."""

    def draft() -> Draft:
        return replace(environment(), tasks=tuple(task for theme in themes for task in theme()))

    return draft


GOOD: tuple[Case, ...] = (
    good("library-single-hop", with_tasks(library, library_tasks.single_hop)),
    good("library-multi-hop", with_tasks(library, library_tasks.multi_hop)),
    good("library-parallel", with_tasks(library, library_tasks.parallel)),
    good("library-parallel-multi-hop", with_tasks(library, library_tasks.parallel_multi_hop)),
    good("library-six-questions", with_tasks(library, library_tasks.six_questions)),
    good("library-row-among-copies", with_tasks(library, library_tasks.row_among_copies)),
    good("library-renewals", with_tasks(library, library_tasks.renewals)),
    good("shop-composite-keys", with_tasks(shop, shop_tasks.composite_keys)),
    good("shop-totals", with_tasks(shop, shop_tasks.totals_and_customers)),
    good("shop-cancellations", with_tasks(shop, shop_tasks.cancellations)),
    good("shop-quantities", with_tasks(shop, shop_tasks.quantities)),
    good("shop-missing-function", with_tasks(shop, shop_tasks.missing_function)),
    good("hotel-unicode", with_tasks(hotels, hotel_tasks.unicode_single_hop)),
    good("hotel-owners", with_tasks(hotels, hotel_tasks.owners)),
    good("hotel-door-codes", with_tasks(hotels, hotel_tasks.door_codes)),
    good("hotel-missing-parameter", with_tasks(hotels, hotel_tasks.missing_parameter)),
    good("hotel-stated-answers", with_tasks(hotels, hotel_tasks.stated_answers)),
    good("hotel-cancellations", with_tasks(hotels, hotel_tasks.cancellations)),
    good("weather-readings", with_tasks(weather, weather_tasks.readings)),
    good("weather-contacts", with_tasks(weather, weather_tasks.contacts)),
    good("weather-sums", with_tasks(weather, weather_tasks.sums)),
    good("weather-faults", with_tasks(weather, weather_tasks.faulty)),
    good("weather-corrections", with_tasks(weather, weather_tasks.corrections)),
    good(
        "shop-mixed",
        with_tasks(shop, shop_tasks.composite_keys, shop_tasks.cancellations),
    ),
)
