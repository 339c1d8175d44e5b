"""SQL that the world's database would refuse is found in tool code before it runs."""

import ast

import pytest

from astra_arena.sandbox.guest.statements import refused_statements


def findings_in(line: str) -> list[str]:
    return list(refused_statements(ast.parse(f"def tool(db, x):\n    {line}"), "tools.py"))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("db.execute('CREATE TABLE t(x)')", "CREATE"),
        ("db.execute('  drop table t')", "DROP"),
        ("db.execute('/* a */ -- b\\n attach x as y')", "ATTACH"),
        ("db.cursor().execute(f'PRAGMA {x}')", "PRAGMA"),
        ("db.execute('ALTER TABLE ' + x + ' ADD y')", "ALTER"),
        ("db.executemany('savepoint s', [])", "SAVEPOINT"),
        ("db.execute('COMMIT')", "COMMIT"),
        ("db.commit()", "commit"),
        ("db.executescript('SELECT 1')", "executescript"),
        ("db.set_authorizer(None)", "set_authorizer"),
    ],
)
def test_what_does_more_than_read_and_write_rows_is_found(line: str, what: str) -> None:
    (finding,) = findings_in(line)
    assert finding.startswith("tools.py:2: ")
    assert what in finding


@pytest.mark.parametrize(
    "line",
    [
        "db.execute('SELECT 1')",
        "db.execute('WITH created AS (SELECT 1) SELECT * FROM created')",
        "db.execute('INSERT INTO drops VALUES (?)', ('drop table',))",
        "db.execute('DELETE FROM t')",
        "db.execute(x)",
        "db.execute()",
        "print('drop table t')",
        "x.append('commit')",
        "execute('drop table t')",
    ],
)
def test_what_reads_and_writes_rows_is_not(line: str) -> None:
    assert findings_in(line) == []
