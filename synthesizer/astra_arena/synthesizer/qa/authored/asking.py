"""How the stages put decompositions and their material before a model."""

from astra_arena.client.authors.prompts import PromptFolder, RenderedPrompt
from astra_arena.core.canonical import Json
from astra_arena.synthesizer.qa.authored.seeds import QuestionSeed
from astra_arena.synthesizer.qa.authored.step_replies import Texts
from astra_arena.synthesizer.qa.decomposition import Decomposition
from astra_arena.synthesizer.qa.instance import HopRange, QAInstance
from astra_arena.synthesizer.qa.languages import Language

PROMPTS = PromptFolder("astra_arena.synthesizer.qa.authored")

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "facts": "Facts",
        "text": "Text",
        "nothing": "Nothing else is given.",
        "between": "The longest chain of sub-questions has {least} to {most} members.",
        "any": "Use as many sub-questions as it takes.",
    },
    "zh": {
        "facts": "事实",
        "text": "文本",
        "nothing": "没有其他材料。",
        "between": "最长的子问题链有 {least} 到 {most} 个子问题。",
        "any": "需要几个子问题就用几个。",
    },
}


def prompt(name: str, language: Language, **values: Json) -> RenderedPrompt:
    """Return a prompt of the stages, filled in."""
    return PROMPTS.load(name, language).render(**values)


def prompts_digest(*names: str) -> list[Json]:
    """Return what decides the words of some prompts."""
    return [PROMPTS.load(name, "en").digest + PROMPTS.load(name, "zh").digest for name in names]


def texts_of(item: QAInstance | QuestionSeed) -> Texts:
    """Return what the answers of an item may be taken from."""
    spans = {"context": item.context} if item.context else {}
    if isinstance(item, QAInstance):
        spans |= {one.id: one.text for one in item.paragraphs}
    return Texts(facts=item.knowledge, spans=spans)


def material_text(texts: Texts, language: Language) -> str:
    """Return facts and texts as a model sees them: facts numbered from 1."""
    words = _WORDS[language]
    parts: list[str] = []
    if texts.facts:
        facts = [f"{number}. {fact}" for number, fact in enumerate(texts.facts, start=1)]
        parts.append("\n".join([words["facts"], *facts]))
    parts += [f"{words['text']}\n{text}" for text in texts.spans.values()]
    return "\n\n".join(parts) or words["nothing"]


def hops_text(hops: HopRange | None, language: Language) -> str:
    """Return what is said of the length of a decomposition."""
    words = _WORDS[language]
    if hops is None:
        return words["any"]
    return words["between"].format(least=hops.least, most=hops.most)


def steps_text(decomposition: Decomposition) -> str:
    """Return the sub-questions as a model sees them: never with their answers."""
    return "\n".join(f"{node.id}: {node.question}" for node in decomposition.nodes)
