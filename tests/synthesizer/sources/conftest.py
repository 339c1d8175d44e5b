"""Servers for the tests of database addresses, started once for each test process."""

import secrets
import signal
from collections.abc import Generator
from dataclasses import dataclass

import pytest
import sqlalchemy

from tests.synthesizer.sources.servers import (
    as_ordinary,
    free_port,
    running,
    server_folder,
    server_program,
)

POSTGRES_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")


@dataclass(frozen=True)
class Server:
    """A server and its administrator's password."""

    dialect: str
    port: int
    password: str

    def address(self, database: str, password: str | None = None) -> str:
        given = self.password if password is None else password
        return f"{self.dialect}://admin:{given}@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, *statements: str) -> None:
        driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[self.dialect]
        url = self.address(database).replace(self.dialect, driver, 1)
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    server = server_program("postgres", *POSTGRES_FOLDERS)
    initdb = server_program("initdb", *POSTGRES_FOLDERS)
    if server is None or initdb is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt install postgresql)")
    password, port = secrets.token_hex(12), free_port()
    with server_folder() as folder:
        secret = folder / "password"
        secret.write_text(password, encoding="utf-8")
        secret.chmod(0o644)
        as_ordinary(
            [
                *(initdb, "--pgdata", str(folder / "data"), "--username", "admin", "--no-sync"),
                *("--auth", "scram-sha-256", "--pwfile", str(secret), "--encoding", "UTF8"),
            ],
            folder,
        )
        command = [
            *(server, "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
        ]
        with running(command, folder, port, signal.SIGINT):
            yield Server("postgresql", port, password)
