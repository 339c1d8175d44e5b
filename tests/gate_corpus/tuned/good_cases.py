"""The good half of the tuned cases."""

from tests.gate_corpus.case import Case
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.tuned import bank_tasks, freight_tasks, hospital_tasks, telecom_tasks
from tests.gate_corpus.tuned.bank_world import bank
from tests.gate_corpus.tuned.freight_world import freight
from tests.gate_corpus.tuned.hospital_world import hospital
from tests.gate_corpus.tuned.telecom_world import telecom
from tests.gate_corpus.writing import good

GOOD: tuple[Case, ...] = (
    good("bank-single-hop", with_tasks(bank, bank_tasks.single_hop)),
    good("bank-multi-hop", with_tasks(bank, bank_tasks.multi_hop)),
    good("bank-parallel-multi-hop", with_tasks(bank, bank_tasks.parallel_multi_hop)),
    good("bank-day-of-transfers", with_tasks(bank, bank_tasks.day_of_transfers)),
    good("bank-transfers", with_tasks(bank, bank_tasks.transfers)),
    good("bank-new-addresses", with_tasks(bank, bank_tasks.new_addresses)),
    good("freight-seals", with_tasks(freight, freight_tasks.seals)),
    good("freight-gates", with_tasks(freight, freight_tasks.gates)),
    good("freight-six-questions", with_tasks(freight, freight_tasks.six_questions)),
    good("freight-faults", with_tasks(freight, freight_tasks.faulty)),
    good("freight-missing-parameter", with_tasks(freight, freight_tasks.missing_parameter)),
    good("freight-moves", with_tasks(freight, freight_tasks.moves)),
    good("telecom-holders", with_tasks(telecom, telecom_tasks.holders)),
    good("telecom-usage", with_tasks(telecom, telecom_tasks.usage)),
    good("telecom-differences", with_tasks(telecom, telecom_tasks.differences)),
    good("telecom-missing-function", with_tasks(telecom, telecom_tasks.missing_function)),
    good("telecom-cards", with_tasks(telecom, telecom_tasks.cards)),
    good("hospital-insurance", with_tasks(hospital, hospital_tasks.insurance)),
    good("hospital-desks", with_tasks(hospital, hospital_tasks.desks)),
    good("hospital-pagers", with_tasks(hospital, hospital_tasks.pagers)),
    good("hospital-moves", with_tasks(hospital, hospital_tasks.moves)),
    good("hospital-missing-parameter", with_tasks(hospital, hospital_tasks.missing_parameter)),
)
