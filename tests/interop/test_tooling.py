"""What the other tests here need is installed once, or it is said clearly that it cannot be."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.client.served import nowhere
from tests.interop.tooling import InstallError, Tooling, install
from tests.support.requirement import requirement


@requirement("interop:tools")
def test_what_is_installed_is_not_installed_again_even_by_two_at_once(tooling: Tooling) -> None:
    before = {path: path.stat().st_mtime_ns for path in tooling.place.glob("*/*")}
    with ThreadPoolExecutor() as pool:
        again = [pool.submit(install) for _ in range(2)]
    assert [one.result() for one in again] == [tooling, tooling]
    assert {path: path.stat().st_mtime_ns for path in tooling.place.glob("*/*")} == before


@requirement("interop:tools")
def test_an_index_that_cannot_be_reached_fails_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "UV_DEFAULT_INDEX": nowhere(),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
        "npm_config_registry": nowhere(),
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_fetch_retries": "0",
    }.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(InstallError, match="the npm registry cannot be reached"):
        install(tmp_path / "interop")
    (tmp_path / "interop" / "node").rename(tmp_path / "node")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InstallError, match="expected npm on PATH"):
        install(tmp_path / "interop")
