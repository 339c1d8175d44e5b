"""The mark that ties a test to the promises it keeps (`tests/requirements.py`)."""

import pytest


def requirement(*ids: str) -> pytest.MarkDecorator:
    """Mark a test as keeping the promises with these ids."""
    return pytest.mark.requirement(*ids)
