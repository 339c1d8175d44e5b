"""Good tasks of the lending library: reads over one to four hops, and renewals."""

from datetime import date, timedelta

from astra_arena.core.canonical import Json
from astra_arena.core.tasks import FinalState, RowSelector, StateAssertion, SubQuestion, Task
from tests.gate_corpus.held_out.library_world import NAME, ROWS, WRITER, Row, row
from tests.gate_corpus.writing import ref

step, task = WRITER.step, WRITER.task


def email_of_member(identifier: str, member: Row, card: Json = None) -> SubQuestion:
    question = f"What is the e-mail address of the member with card {member['card_no']}?"
    call = ("get_member", {"card_no": card or member["card_no"]})
    return step(identifier, question, call, "/email", member["email"])


def borrower(identifier: str, loan: Row) -> SubQuestion:
    call = ("get_loan", {"loan_id": loan["loan_id"]})
    question = f"Whose card is loan {loan['loan_id']} on?"
    return step(identifier, question, call, "/card_no", loan["card_no"])


def lent_copy(identifier: str, loan: Row) -> SubQuestion:
    call = ("get_loan", {"loan_id": loan["loan_id"]})
    question = f"Which copy is loan {loan['loan_id']} of?"
    return step(identifier, question, call, "/barcode", loan["barcode"])


def branch_of_copy(identifier: str, copy: Row, parent: str) -> SubQuestion:
    call = ("get_copy", {"barcode": ref(parent)})
    question = "Which branch does that copy belong to?"
    return step(identifier, question, call, "/branch_code", copy["branch_code"])


def field_of_branch(identifier: str, code: str, field: str, parent: str) -> SubQuestion:
    words = {"phone": "phone number", "manager_email": "manager's e-mail address"}[field]
    call = ("get_branch", {"code": ref(parent)})
    question = f"What is that branch's {words}?"
    return step(identifier, question, call, f"/{field}", row("branches", "code", code)[field])


def publisher_of(identifier: str, title: Row) -> SubQuestion:
    call = ("find_title", {"title": title["title"]})
    question = f"Who publishes {title['title']}?"
    return step(identifier, question, call, "/publisher_code", title["publisher_code"])


def email_of_publisher(identifier: str, title: Row, parent: str) -> SubQuestion:
    publisher = row("publishers", "code", title["publisher_code"])
    call = ("get_publisher", {"code": ref(parent)})
    question = "What is that publisher's e-mail address?"
    return step(identifier, question, call, "/email", publisher["email"])


def single_hop() -> tuple[Task, ...]:
    members, branches, titles = ROWS["members"], ROWS["branches"], ROWS["titles"]
    by_card = [
        task(
            f"member-{n}",
            f"I need to write to the member whose card is {members[n]['card_no']}. "
            "Which e-mail address do we have?",
            email_of_member("email", members[n]),
        )
        for n in (17, 83)
    ]
    by_code = [
        task(
            f"branch-{n}",
            f"How can I reach branch {branches[n]['code']} by phone?",
            step(
                "phone",
                f"What is the phone number of branch {branches[n]['code']}?",
                ("get_branch", {"code": branches[n]["code"]}),
                "/phone",
                branches[n]["phone"],
            ),
        )
        for n in (34, 71, 102)
    ]
    by_title = [
        task(
            f"isbn-{n}",
            f"What is the ISBN of “{titles[n]['title']}”?",
            step(
                "isbn",
                f"What is the ISBN of {titles[n]['title']}?",
                ("find_title", {"title": titles[n]["title"]}),
                "/isbn",
                titles[n]["isbn"],
            ),
        )
        for n in (29, 90, 141)
    ]
    return (*by_card, *by_code, *by_title)


def multi_hop() -> tuple[Task, ...]:
    loans, titles = ROWS["loans"], ROWS["titles"]
    found: list[Task] = []
    for n in (12, 57, 133):
        copy = row("copies", "barcode", loans[n]["barcode"])
        found.append(
            task(
                f"branch-of-loan-{n}",
                f"Loan {loans[n]['loan_id']} is about to run out. Which number do I have to ring "
                "at the branch that the copy belongs to?",
                lent_copy("copy", loans[n]),
                branch_of_copy("branch", copy, "copy"),
                field_of_branch("phone", copy["branch_code"], "phone", "branch"),
            )
        )
    for n in (40, 111):
        found.append(
            task(
                f"rights-{n}",
                f"Where do I send a question about rights in {titles[n]['title']}? I need the "
                "publisher's e-mail address.",
                publisher_of("publisher", titles[n]),
                email_of_publisher("email", titles[n], "publisher"),
            )
        )
    for n in (75, 201):
        member = row("members", "card_no", loans[n]["card_no"])
        found.append(
            task(
                f"remind-{n}",
                f"Who must be reminded of loan {loans[n]['loan_id']}? Give me the e-mail address.",
                borrower("card", loans[n]),
                email_of_member("email", member, ref("card")),
            )
        )
    return tuple(found)


def parallel() -> tuple[Task, ...]:
    members = ROWS["members"]
    return tuple(
        task(
            f"addresses-{first}-{second}",
            f"Please get me the e-mail addresses of the members with the cards "
            f"{members[first]['card_no']} and {members[second]['card_no']}.",
            email_of_member("first", members[first]),
            email_of_member("second", members[second]),
        )
        for first, second in ((20, 130), (44, 97), (68, 151), (33, 120), (59, 81))
    )


def parallel_multi_hop() -> tuple[Task, ...]:
    loans, titles = ROWS["loans"], ROWS["titles"]
    found: list[Task] = []
    for n, m in ((22, 63), (88, 30), (150, 104), (166, 79), (190, 52)):
        member = row("members", "card_no", loans[n]["card_no"])
        found.append(
            task(
                f"both-{n}-{m}",
                f"For a letter I need two e-mail addresses: of the member who has loan "
                f"{loans[n]['loan_id']}, and of the publisher of “{titles[m]['title']}”.",
                borrower("card", loans[n]),
                email_of_member("member", member, ref("card")),
                publisher_of("publisher", titles[m]),
                email_of_publisher("rights", titles[m], "publisher"),
            )
        )
    return tuple(found)


def six_questions() -> tuple[Task, ...]:
    loans, branches = ROWS["loans"], ROWS["branches"]
    found: list[Task] = []
    for n, m, k in ((31, 110, 55), (47, 172, 64), (93, 205, 77), (119, 14, 88), (128, 222, 99)):
        copy = row("copies", "barcode", loans[n]["barcode"])
        member = row("members", "card_no", loans[m]["card_no"])
        branch = branches[k]
        found.append(
            task(
                f"six-{n}-{m}-{k}",
                f"Three things. The copy of loan {loans[n]['loan_id']}: what is the e-mail "
                f"address of the manager of its branch? Loan {loans[m]['loan_id']}: what is the "
                f"borrower's e-mail address? And what is the phone number of {branch['code']}?",
                lent_copy("copy", loans[n]),
                branch_of_copy("branch", copy, "copy"),
                field_of_branch("manager", copy["branch_code"], "manager_email", "branch"),
                borrower("card", loans[m]),
                email_of_member("email", member, ref("card")),
                step(
                    "phone",
                    f"What is the phone number of {branch['code']}?",
                    ("get_branch", {"code": branch["code"]}),
                    "/phone",
                    branch["phone"],
                ),
            )
        )
    return tuple(found)


def row_among_copies() -> tuple[Task, ...]:
    found: list[Task] = []
    for n in (15, 101, 187, 260, 333):
        copy = ROWS["copies"][n]
        title = row("titles", "isbn", copy["isbn"])
        others = [one for one in ROWS["copies"] if one["isbn"] == copy["isbn"]]
        # Rows that are singled out stand in any page that holds them.
        where = RowSelector(
            rows="/rows",
            equals={"branch_code": copy["branch_code"]},
            field="/shelf",
            gold_rows=1,
        )
        assert others
        found.append(
            task(
                f"shelf-{n}",
                f"On which shelf of branch {copy['branch_code']} do I find “{title['title']}”?",
                step(
                    "isbn",
                    f"What is the ISBN of {title['title']}?",
                    ("find_title", {"title": title["title"]}),
                    "/isbn",
                    title["isbn"],
                ),
                step(
                    "shelf",
                    f"On which shelf does the copy of branch {copy['branch_code']} stand?",
                    (
                        "list_copies",
                        {"isbn": ref("isbn"), "branch_code": copy["branch_code"], "limit": 5},
                    ),
                    "/rows/0/shelf",
                    copy["shelf"],
                    where=where,
                ),
            )
        )
    return tuple(found)


def renewed(loan: Row, days: int) -> str:
    """Return the day on which a loan is due after it was renewed."""
    return (date.fromisoformat(loan["due_on"]) + timedelta(days=days)).isoformat()


def renewal(identifier: str, loan: Row, days: int) -> SubQuestion:
    return step(
        identifier,
        f"Renew loan {loan['loan_id']} by {days} days.",
        ("renew_loan", {"loan_id": loan["loan_id"], "days": days}),
        "/due_on",
        renewed(loan, days),
        kind="date",
    )


def renewed_state(*renewals: tuple[Row, int]) -> FinalState:
    assertions: list[StateAssertion] = []
    for loan, days in renewals:
        base = f'/tables/loans/{{"loan_id":{loan["loan_id"]}}}/after'
        due, count = renewed(loan, days), loan["renewals"] + 1
        assertions.append(StateAssertion(environment=NAME, path=f"{base}/due_on", equals=due))
        assertions.append(StateAssertion(environment=NAME, path=f"{base}/renewals", equals=count))
    return FinalState(assertions=tuple(assertions))


def renewals() -> tuple[Task, ...]:
    loans = ROWS["loans"]
    found: list[Task] = []
    for n, days in ((18, 7), (66, 14), (98, 21), (144, 10), (210, 5)):
        loan = loans[n]
        member = row("members", "card_no", loan["card_no"])
        found.append(
            task(
                f"renew-{n}",
                f"Please renew loan {loan['loan_id']} by {days} days, and tell me the borrower's "
                "e-mail address, so that I can let them know.",
                renewal("renew", loan, days),
                borrower("card", loan),
                email_of_member("email", member, ref("card")),
                final_state=renewed_state((loan, days)),
            )
        )
    return tuple(found)
