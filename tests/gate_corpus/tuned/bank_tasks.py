"""Good tasks of the bank."""

from astra_arena.core.tasks import FinalState, RowSelector, StateAssertion, SubQuestion, Task
from tests.gate_corpus.tuned.bank_world import LISTS, NAME, RECORDS, WRITER
from tests.gate_corpus.tuned.hops import Hop, Row, chain

task, step = WRITER.task, WRITER.step

SOURCE = Hop(
    "source", "From which account came {}?", "get_transfer", "ref", "transfers", "from_iban"
)
TARGET = Hop("target", "To which account went {}?", "get_transfer", "ref", "transfers", "to_iban")
HOLDER = Hop("holder", "Whose account is that?", "get_account", "iban", "accounts", "customer_no")
EMAIL = Hop(
    "email",
    "What is the customer's e-mail address?",
    "get_customer",
    "customer_no",
    "customers",
    "email",
)
ADVISER = Hop(
    "adviser", "Who advises the customer?", "get_customer", "customer_no", "customers", "adviser_id"
)
PHONE = Hop(
    "phone",
    "What is the adviser's phone number?",
    "get_adviser",
    "adviser_id",
    "advisers",
    "phone",
)
BALANCE = Hop(
    "balance",
    "What is the balance of {}, in cents?",
    "get_account",
    "iban",
    "accounts",
    "balance_cents",
)


def asked(start: str | int, *hops: Hop, prefix: str = "") -> tuple[SubQuestion, ...]:
    return chain(WRITER, RECORDS, start, *hops, prefix=prefix)


def single_hop() -> tuple[Task, ...]:
    accounts, customers = LISTS["accounts"], LISTS["customers"]
    return (
        *(
            task(
                f"balance-{n}",
                f"How much is on account {accounts[n]['iban']}? In cents, please.",
                *asked(accounts[n]["iban"], BALANCE),
            )
            for n in (17, 96, 233)
        ),
        *(
            task(
                f"email-{n}",
                f"Customer {customers[n]['customer_no']} wants the statement by mail. Which e-mail "
                "address do we send it to?",
                *asked(customers[n]["customer_no"], EMAIL),
            )
            for n in (41, 178, 305)
        ),
    )


def multi_hop() -> tuple[Task, ...]:
    transfers = LISTS["transfers"]
    return tuple(
        task(
            f"adviser-{n}",
            f"Transfer {transfers[n]['ref']} looks wrong. Which phone number does the adviser of "
            "the customer who sent it have?",
            *asked(transfers[n]["ref"], SOURCE, HOLDER, ADVISER, PHONE),
        )
        for n in (22, 87, 140, 255, 361)
    )


def parallel_multi_hop() -> tuple[Task, ...]:
    transfers = LISTS["transfers"]
    return tuple(
        task(
            f"both-{n}-{m}",
            f"Please find two e-mail addresses: of whoever received {transfers[n]['ref']}, and of "
            f"whoever sent {transfers[m]['ref']}.",
            *asked(transfers[n]["ref"], TARGET, HOLDER, EMAIL, prefix="left-"),
            *asked(transfers[m]["ref"], SOURCE, HOLDER, EMAIL, prefix="right-"),
        )
        for n, m in ((30, 71), (112, 9), (164, 290), (201, 55), (333, 120))
    )


def day_of_transfers() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (14, 77, 156, 244, 318):
        one = LISTS["transfers"][n]
        rows = [
            other
            for other in LISTS["transfers"]
            if (other["from_iban"], other["booked_on"]) == (one["from_iban"], one["booked_on"])
        ]
        place = sorted(rows, key=lambda row: str(row["ref"])).index(one)
        call = (
            "list_transfers",
            {"from_iban": one["from_iban"], "booked_on": one["booked_on"], "limit": 5},
        )
        where = RowSelector(
            rows="/rows",
            equals={"booked_on": one["booked_on"]},
            field="/cents",
            gold_rows=len(rows),
        )
        question = f"How much went from {one['from_iban']} on {one['booked_on']}, in cents?"
        found.append(
            task(
                f"day-{n}",
                f"{question} It was a single transfer.",
                step("cents", question, call, f"/rows/{place}/cents", one["cents"], where=where),
            )
        )
    return tuple(found)


def transfer_state(source: Row, target: Row, cents: int) -> FinalState:
    last = max(int(ref[1:]) for ref in map(str, RECORDS["transfers"]))
    ref = f"T{last + 7}"
    row = {
        "ref": ref,
        "from_iban": source["iban"],
        "to_iban": target["iban"],
        "cents": cents,
        "booked_on": "2025-03-01",
    }
    left, right = source["balance_cents"] - cents, target["balance_cents"] + cents

    def at(account: Row) -> str:
        return f'/tables/accounts/{{"iban":"{account["iban"]}"}}/after/balance_cents'

    return FinalState(
        assertions=(
            StateAssertion(environment=NAME, path=at(source), equals=left),
            StateAssertion(environment=NAME, path=at(target), equals=right),
            StateAssertion(
                environment=NAME, path=f'/tables/transfers/{{"ref":"{ref}"}}/after', equals=row
            ),
        )
    )


def transfers() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, m, cents in ((11, 92, 12_345), (60, 201, 99_900), (133, 310, 45_050), (275, 48, 7_725)):
        source, target = LISTS["accounts"][n], LISTS["accounts"][m]
        call = (
            "transfer_money",
            {"from_iban": source["iban"], "to_iban": target["iban"], "cents": cents},
        )
        found.append(
            task(
                f"pay-{n}-{m}",
                f"Send {cents} cents from {source['iban']} to {target['iban']}. How many cents are "
                "left on the first account after that?",
                step(
                    "pay",
                    f"Transfer {cents} cents.",
                    call,
                    "/balance_cents",
                    source["balance_cents"] - cents,
                ),
                final_state=transfer_state(source, target, cents),
            )
        )
    return tuple(found)


def new_addresses() -> tuple[Task, ...]:
    found: list[Task] = []
    for n, name in ((25, "alma"), (108, "bruno"), (222, "elif"), (351, "iris")):
        customer = LISTS["customers"][n]
        number, email = customer["customer_no"], f"{name}.new@inbox.example"
        path = f'/tables/customers/{{"customer_no":{number}}}/after/email'
        found.append(
            task(
                f"address-{n}",
                f"Customer {number} writes from {email} now. Change it, tell me which address it "
                "replaces, and give me the phone number of the adviser, who has to know.",
                step(
                    "change",
                    f"Change the e-mail address of customer {number}.",
                    ("change_email", {"customer_no": number, "email": email}),
                    "/before",
                    customer["email"],
                ),
                *asked(number, ADVISER, PHONE),
                final_state=FinalState(
                    assertions=(StateAssertion(environment=NAME, path=path, equals=email),)
                ),
            )
        )
    return tuple(found)
