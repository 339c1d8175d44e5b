"""What sockets are bound to and what addresses are given out."""

import socket

import pytest

from astra_arena.core.errors import SettingsError
from astra_arena.servers.addresses import Addresses, addresses_for, bind
from tests.support.requirement import requirement


def given(host: str, advertise_url: str | None) -> Addresses:
    return addresses_for(host=host, port=8640, control_port=8641, advertise_url=advertise_url)


@pytest.mark.parametrize(
    ("host", "advertise_url", "mcp", "control"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8640", "http://127.0.0.1:8641"),
        ("0.0.0.0", None, "http://127.0.0.1:8640", "http://127.0.0.1:8641"),
        ("::1", None, "http://[::1]:8640", "http://[::1]:8641"),
        ("0.0.0.0", "http://arena", "http://arena:8640", "http://arena:8641"),
        ("0.0.0.0", "https://arena:443/x/", "https://arena:443/x", "https://arena:8641"),
    ],
)
def test_addresses_start_with_what_is_bound_or_advertised(
    host: str, advertise_url: str | None, mcp: str, control: str
) -> None:
    assert given(host, advertise_url) == Addresses(mcp, control)


@pytest.mark.parametrize("url", ["arena", "ftp://arena", "http://", "http://a:x", "http://[", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--advertise-url"):
        given("127.0.0.1", url)


def test_an_episode_has_one_address_on_each_plane() -> None:
    addresses = given("127.0.0.1", None)
    assert addresses.episode_mcp("e", "id") == "http://127.0.0.1:8640/envs/e/r/id/mcp"
    assert addresses.episode_control("id") == "http://127.0.0.1:8641/episodes/id"
    assert addresses.host_name == "127.0.0.1"


@requirement("servers:port-in-use")
def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"127\.0\.0\.1:{port}.*--port"):
            bind("127.0.0.1", port, option="--port")


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0, option="--port")
