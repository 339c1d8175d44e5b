"""Who may do what on the control plane: bearer tokens with the roles `operator` and `collector`."""

import secrets
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, params
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from astra_arena.core.errors import SettingsError

Role = Literal["operator", "collector"]
"""`collector`: opens, plays, scores and closes episodes. `operator`: that, and changes what is
served, sees the episodes of others and drains the server."""


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """The tokens of a control plane."""

    operator: str = field(repr=False)
    collector: str | None = field(default=None, repr=False)
    """Without one there are operators only."""

    def __post_init__(self) -> None:
        if not self.operator or self.collector == "":
            raise SettingsError("expected tokens of the control plane that are not empty")
        if self.operator == self.collector:
            raise SettingsError("the collectors' token must differ from the operators'")

    def role_of(self, token: str) -> Role | None:
        """Return the role that a token gives, in a time that does not depend on the token."""
        came = token.encode("utf-8", "replace")
        collects = self.collector is not None and secrets.compare_digest(
            came, self.collector.encode("utf-8")
        )
        operates = secrets.compare_digest(came, self.operator.encode("utf-8"))
        return "operator" if operates else "collector" if collects else None


def guard(tokens: AccessTokens, *, role: Role = "collector") -> params.Depends:
    """Return the dependency of routes that need a role; operators have both."""
    bearer = HTTPBearer(auto_error=False, description="The token of an operator or a collector.")

    async def require_role(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        came = None if credentials is None else tokens.role_of(credentials.credentials)
        if came is None:
            problem = "this token is wrong" if credentials else "a token is needed"
            raise HTTPException(401, f"{problem}; send 'Authorization: Bearer TOKEN'")
        if role == "operator" and came != "operator":
            raise HTTPException(403, "this needs the token of an operator, not of a collector")

    return params.Depends(require_role)
