"""The base of every wire and disk model: frozen, closed, and written one way.

"Model" here is pydantic's word for a typed record, not a language model.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SpecError


class Model(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> JsonObject:
        """Return the record as JSON, fields with their default value left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_json(cls, data: Any, *, what: str) -> Self:  # noqa: ANN401 - unchecked input is the point
        """Read a record from unchecked JSON data.

        Args:
            data: The decoded JSON.
            what: What is being read, for the message: "tasks.jsonl line 3".

        Raises:
            SpecError: naming the first offending field, what was expected and what came.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise _spec_error(cls, error, what) from None


def _spec_error(model: type[Model], error: ValidationError, what: str) -> SpecError:
    errors = error.errors(include_url=False)
    # A misspelt field is missing, too; its spelling says more.
    unknown = (one for one in errors if one["type"] == "extra_forbidden")
    first = next(unknown, errors[0])
    path = "".join(f"/{part}" for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    came = repr(first["input"])
    came = came if len(came) <= 80 else came[:77] + "..."
    text = f"{first['msg']}, got {came}"
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        text = f"there is no such field; the fields are {', '.join(model.model_fields)}"
    return SpecError(f"{what}: {path or '/'}: {text}{more}", path=path)
