"""People's output fits a terminal, and is made of whole lines without padding in a pipe."""

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from astra_arena.core.output import output_console, print_hanging


def test_a_pipe_gets_whole_lines_without_padding(capsys: pytest.CaptureFixture[str]) -> None:
    console = output_console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("a", "word " * 60 + "end")
    table.add_row("b", "short")
    console.print(table)
    console.print("text " * 60 + "end")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.endswith("end")
    assert second == "b  short"
    assert third.endswith("text end")


def test_a_terminal_gets_lines_under_each_other() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=40, color_system=None)
    print_hanging(console, "what  ", "one two three four five six seven eight", after="→ a/b c")
    print_hanging(console, "fits  ", "one", after="→ a/b")
    print_hanging(console, "alone ", "word " * 6, after="→ " + "long/" * 12)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines() == [
        "what  one two three four five six seven",
        "      eight → a/b c",
        "fits  one → a/b",
        "alone word word word word word word",
        "      → " + "long/" * 12,
    ]
