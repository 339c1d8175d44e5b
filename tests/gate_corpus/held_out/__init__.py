"""The half that was written before the gates and is never changed to please them."""

from tests.gate_corpus.case import Case
from tests.gate_corpus.held_out import code_defects, good_cases, schema_defects, task_defects

CASES: tuple[Case, ...] = (
    *good_cases.GOOD,
    *schema_defects.CASES,
    *code_defects.CASES,
    *task_defects.CASES,
)
