"""Knowledge becomes verified environments and tasks."""

__all__: list[str] = []
