"""A scripted author that keeps what it was asked."""

from typing import TypeVar

from pydantic import BaseModel

from astra_arena.client.authors.author import Authored, AuthorRequest
from astra_arena.client.authors.scripted_author import ScriptedAuthor

_ResultT = TypeVar("_ResultT", bound=BaseModel)


class AskingScripted:
    """Keeps the prompts, by item and part."""

    def __init__(self, author: ScriptedAuthor) -> None:
        self.author = author
        self.prompts: dict[str, str] = {}

    @property
    def model(self) -> str:
        return self.author.model

    async def ask(self, request: AuthorRequest[_ResultT]) -> Authored[_ResultT]:
        texts = [message.content for message in request.prompt.messages]
        self.prompts[request.part or request.item] = "\n".join(texts)
        return await self.author.ask(request)
