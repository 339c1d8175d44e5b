"""What an episode is opened with in place of what its task says: a budget, a tool mixing."""

from astra_arena.core.model import Model
from astra_arena.core.tasks import BudgetChange
from astra_arena.core.tool_mixing import ToolMixing


class EpisodeTerms(Model):
    """The terms of an episode; what is not given is the task's."""

    budget: BudgetChange | None = None
    mixing: ToolMixing | None = None


NO_TERMS = EpisodeTerms()
"""Everything as the task says."""
