"""Prompts are files: versioned, in two languages, their variables checked in both directions.

A folder holds `NAME.en.md` and `NAME.zh.md`. A file starts with its version and its variables, and
each message starts with a line that names its role:

```
version: 1
variables: question, answer

# system
You take questions apart.

# user
{{question}}
```

What is inserted is never looked at again, so no value can insert another or start a message.
"""

import re
import string
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, cast, get_args

from astra_arena.core.canonical import Json, JsonObject, digest_of_bytes, pretty_text
from astra_arena.core.errors import SpecError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Role = Literal["system", "user", "assistant"]

_HEAD = re.compile(r"version: *(\d+)\nvariables:([^\n]*)\n")
_ROLE_LINE = re.compile(r"^# (system|user|assistant) *$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Role
    content: str

    def to_json(self) -> JsonObject:
        """Return the message as chat completions write it."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """Messages that are ready to be sent, and where they come from."""

    messages: tuple[Message, ...]
    name: str = ""
    language: Language = "en"
    """Also of what the model is told about its reply."""
    version: int = 0
    digest: str = ""
    """Of the prompt's file, empty where there is none."""

    @property
    def provenance(self) -> JsonObject:
        """What an artefact says of the prompt that it was made with."""
        return {
            "name": self.name,
            "language": self.language,
            "version": self.version,
            "digest": self.digest,
        }


class _Template(string.Template):
    """`{{name}}` and nothing else: a dollar or a single brace is a character like any other."""

    delimiter = "{{"
    pattern = (
        r"\{\{(?:(?P<escaped>(?!))|(?P<named>[a-z][a-z0-9_]*)\}\}|(?P<braced>(?!))|(?P<invalid>))"  # pyright: ignore[reportAssignmentType] - typeshed has the compiled pattern
    )
    flags = re.NOFLAG


@dataclass(frozen=True, slots=True)
class Prompt:
    """One file: messages with places for variables."""

    name: str
    language: Language
    version: int
    variables: tuple[str, ...]
    digest: str
    parts: tuple[Message, ...]

    def render(self, **values: Json) -> RenderedPrompt:
        """Put the variables in their places; what is not text is written as JSON.

        Raises:
            SpecError: if a variable is missing or unknown.
        """
        missing = [name for name in self.variables if name not in values]
        unknown = sorted(set(values) - set(self.variables))
        if missing or unknown:
            wrong = [*(f"{name} is missing" for name in missing)]
            wrong += [f"{name} is unknown" for name in unknown]
            raise SpecError(
                f"prompt {self.name}.{self.language} takes {', '.join(self.variables) or 'nothing'}"
                f": {', '.join(wrong)}"
            )
        texts = {name: _text(value) for name, value in values.items()}
        return RenderedPrompt(
            tuple(Message(m.role, _Template(m.content).substitute(texts)) for m in self.parts),
            self.name,
            self.language,
            self.version,
            self.digest,
        )


class PromptFolder:
    """The prompts of one caller.

    Args:
        package: Its import name; the files lie below it as package data.
        folder: The folder in the package.
    """

    def __init__(self, package: str, folder: str = "prompts") -> None:
        self._where = f"{package}/{folder}"
        self._folder = files(package).joinpath(folder)
        self._loaded: dict[tuple[str, Language], Prompt] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all prompts, sorted."""
        there = [entry.name for entry in self._folder.iterdir() if entry.name.endswith(".md")]
        return tuple(sorted({name.split(".")[0] for name in there}))

    def load(self, name: str, language: Language) -> Prompt:
        """Return a prompt; its file is read once.

        Raises:
            SpecError: if there is no such prompt or its file breaks the form.
        """
        held = self._loaded.get((name, language))
        return held or self._loaded.setdefault((name, language), self._read(name, language))

    def _read(self, name: str, language: Language) -> Prompt:
        file = self._folder.joinpath(f"{name}.{language}.md")
        if not file.is_file():
            raise SpecError(
                f"there is no prompt {name}.{language} in {self._where}; "
                f"there are {', '.join(self.names)}, each in {' and '.join(LANGUAGES)}"
            )
        return _parsed(file, name, language)

    def require_pairs(self) -> None:
        """Require that each prompt is there in every language, with one version and variables.

        Raises:
            SpecError: naming the first that is not.
        """
        for name in self.names:
            first, *others = [self._read(name, language) for language in LANGUAGES]
            for other in others:
                if (other.version, set(other.variables)) != (first.version, set(first.variables)):
                    raise SpecError(
                        f"prompt {name} of {self._where}: expected one version and the same "
                        f"variables in every language, got version {first.version} with "
                        f"{', '.join(first.variables)} and version {other.version} with "
                        f"{', '.join(other.variables)}"
                    )


def _parsed(file: Traversable, name: str, language: Language) -> Prompt:
    data = file.read_bytes()
    text = data.decode("utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise SpecError(
            f"prompt {file.name}: expected it to start with the lines 'version: N' and "
            "'variables: a, b'"
        )
    variables = tuple(part.strip() for part in head[2].split(",") if part.strip())
    pieces = _ROLE_LINE.split(text[head.end() :])
    if len(pieces) < 3 or pieces[0].strip():
        raise SpecError(f"prompt {file.name}: expected a line '# system' or '# user' first")
    parts = tuple(
        Message(cast("Role", role), content.strip())
        for role, content in zip(pieces[1::2], pieces[2::2], strict=True)
    )
    _require_variables(file.name, variables, parts)
    return Prompt(name, language, int(head[1]), variables, digest_of_bytes(data), parts)


def _require_variables(
    file_name: str, declared: tuple[str, ...], parts: tuple[Message, ...]
) -> None:
    templates = [_Template(part.content) for part in parts]
    if not all(template.is_valid() for template in templates):
        raise SpecError(f"prompt {file_name}: expected {{{{name}}}} after every double brace")
    used = {name for template in templates for name in template.get_identifiers()}
    misnamed = [name for name in declared if not _NAME.fullmatch(name)]
    if misnamed or used != set(declared):
        odd = misnamed or sorted(used ^ set(declared))
        raise SpecError(
            f"prompt {file_name}: expected the declared variables to be those used, "
            f"but {', '.join(odd)} {'is' if len(odd) == 1 else 'are'} only one of both"
        )


def _text(value: Json) -> str:
    return value if isinstance(value, str) else pretty_text(value).strip()
