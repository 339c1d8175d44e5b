"""What a sandbox worker keeps of programs: code and worlds in files, by the digest of their bytes.

Nothing is believed: a blob gets its name only when its bytes have that digest.
"""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from astra_arena.core.errors import SandboxUnavailableError

MOST_BYTES = 16 << 30


class BlobStore:
    """Files in a folder of its own; those unused for longest go when there are too many bytes."""

    def __init__(self, folder: Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        """Build an empty store.

        Args:
            folder: Where to make its folder; the system's place for temporary files if not given.
            most_bytes: Kept at most, beside what live sessions use.
        """
        self._temporary = tempfile.TemporaryDirectory(prefix="arena-worker-", dir=folder)
        self._folder = Path(self._temporary.name)
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] = {}
        self._pins: Counter[str] = Counter()

    def missing(self, digests: Iterable[str]) -> tuple[str, ...]:
        """Return those that are not here; the others count as used now."""
        absent: list[str] = []
        for digest in digests:
            if digest in self._sizes:
                # The most recently used comes last.
                self._sizes[digest] = self._sizes.pop(digest)
            else:
                absent.append(digest)
        return tuple(absent)

    def path(self, digest: str) -> Path:
        """Return the file of a blob that is here."""
        return self._folder / digest

    def pin(self, digest: str) -> None:
        """Keep a blob until it is unpinned as often."""
        self._pins[digest] += 1

    def unpin(self, digest: str) -> None:
        """Let a blob go."""
        self._pins[digest] -= 1
        if self._pins[digest] <= 0:
            del self._pins[digest]

    def begin(self, digest: str) -> "Incoming":
        """Start to receive a blob."""
        descriptor, part = tempfile.mkstemp(dir=self._folder, prefix="part-")
        return Incoming(
            digest, os.fdopen(descriptor, "wb"), Path(part), most_bytes=self._most_bytes
        )

    def finish(self, upload: "Incoming") -> None:
        """Keep a blob that came whole.

        Raises:
            SandboxUnavailableError: if its bytes have another digest.
        """
        upload.close()
        if upload.came != upload.digest:
            upload.drop()
            raise SandboxUnavailableError(
                f"expected bytes with the digest {upload.digest}, got {upload.came}: the file was "
                "changed while it was sent"
            )
        upload.part.replace(self.path(upload.digest))
        self._sizes[upload.digest] = upload.size
        self._evict()

    def close(self) -> None:
        """Remove everything."""
        self._temporary.cleanup()

    def _evict(self) -> None:
        held = sum(self._sizes.values())
        # The last one has just come and is about to be used.
        for digest in list(self._sizes)[:-1]:
            if held <= self._most_bytes:
                return
            if digest not in self._pins:
                held -= self._sizes.pop(digest)
                self.path(digest).unlink(missing_ok=True)


class Incoming:
    """A blob that is being received."""

    def __init__(self, digest: str, file: IO[bytes], part: Path, *, most_bytes: int) -> None:
        self.digest = digest
        self.part = part
        self.size = 0
        self._file = file
        self._sha = hashlib.sha256()
        self._most_bytes = most_bytes

    @property
    def came(self) -> str:
        """The digest of what has come so far."""
        return self._sha.hexdigest()

    def add(self, data: bytes) -> None:
        """Receive the next bytes.

        Raises:
            SandboxUnavailableError: if they find no room.
        """
        self.size += len(data)
        if self.size > self._most_bytes:
            raise SandboxUnavailableError(f"a world of more than {self._most_bytes} bytes")
        self._sha.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise SandboxUnavailableError(f"the worker could not keep a world: {error}") from error

    def close(self) -> None:
        """Write out what came."""
        self._file.close()

    def drop(self) -> None:
        """Forget it."""
        self._file.close()
        self.part.unlink(missing_ok=True)
