"""The half that gates may be tuned on."""

from tests.gate_corpus.case import Case
from tests.gate_corpus.tuned import good_cases, task_defects, tool_defects

CASES: tuple[Case, ...] = (*good_cases.GOOD, *tool_defects.CASES, *task_defects.CASES)
