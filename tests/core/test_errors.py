import pytest

from astra_arena.core.errors import ArenaError, BundleError, SandboxUnavailableError, boundary


def test_foreign_exceptions_get_a_boundary_and_keep_their_cause() -> None:
    with pytest.raises(BundleError, match="could not read it: OSError: gone") as caught:  # noqa: SIM117
        with boundary(BundleError, "read it"):
            raise OSError("gone")
    assert caught.value.boundary == "bundle"
    assert isinstance(caught.value.__cause__, OSError)


def test_typed_errors_pass_unchanged() -> None:
    error = SandboxUnavailableError("no")
    with pytest.raises(ArenaError) as caught:  # noqa: SIM117
        with boundary(BundleError, "read it"):
            raise error
    assert caught.value is error
    assert caught.value.retryable
