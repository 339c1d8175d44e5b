import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from astra_arena.client.authors.endpoint import HOSTED_KEY, HOSTED_URL, Endpoint
from astra_arena.client.authors.model_arguments import takes_model
from astra_arena.client.authors.model_options import (
    ModelOptions,
    open_author,
)
from astra_arena.client.authors.spending import Prices
from astra_arena.client.authors.transcript import Transcript
from astra_arena.core.errors import SettingsError, SpecError
from tests.client.authors.asking import PARIS, capital_of, said, write_transcript
from tests.support.requirement import requirement

app = typer.Typer()


@app.command()
@takes_model
def verb(options: ModelOptions) -> None:
    print(options.model_dump_json(exclude_defaults=True))


def parsed(*arguments: str) -> ModelOptions:
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    return ModelOptions.model_validate_json(shown.stdout)


@requirement("authors:options")
def test_a_verb_reads_the_options_of_a_model() -> None:
    options = parsed(
        *("--model", "qwen", "--base-url", "http://127.0.0.1:8000/v1", "--concurrency", "3"),
        *("--prompt-price", "0.15", "--completion-price", "0.60", "--budget-usd", "2"),
        *("--model-body", '{"top_k": 5}', "--no-structured", "--cache", "kept"),
    )
    assert options.prices == Prices(prompt=Decimal("0.15"), completion=Decimal("0.60"))
    assert (options.budget_usd, options.cache) == (Decimal(2), Path("kept"))
    assert options.endpoint == Endpoint(
        model="qwen",
        base_url="http://127.0.0.1:8000/v1",
        concurrency=3,
        structured=False,
        body={"top_k": 5},
    )


@requirement("authors:options")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--prompt-price", "cheap"),
        ("--budget-usd", "-1"),
        ("--budget-usd", "NaN"),
        ("--model-body", "[1]"),
        ("--concurrency", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_misuse(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


@requirement("authors:options")
def test_the_hosted_endpoint_wants_a_key_and_others_none_unless_one_is_named() -> None:
    hosted = ModelOptions(model="m").endpoint
    assert (hosted.base_url, hosted.api_key_env) == (HOSTED_URL, HOSTED_KEY)
    assert Endpoint.of("m", "http://localhost/v1").api_key_env is None
    assert Endpoint.of("m", "http://localhost/v1", api_key_env="K").api_key_env == "K"


@requirement("authors:options")
@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host/v1", "http://", "http://[::1/v1", "//host"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--base-url like"):
        Endpoint.of("m", url)


@requirement("authors:options")
@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://host/v1?key=secret"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Endpoint.of("m", url)
    assert "secret" not in str(caught.value)


@requirement("authors:options")
async def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    write_transcript(tmp_path / "t.jsonl", said())
    wrong = [
        (ModelOptions(), "no model"),
        (ModelOptions(model="m", transcripts=(tmp_path / "t.jsonl",)), "got both"),
        (ModelOptions(model="m", prompt_price=Decimal(1)), "got only one"),
        (ModelOptions(model="m", budget_usd=Decimal(1)), "needs prices"),
    ]
    for options, said_of_it in wrong:
        with pytest.raises(SettingsError, match=said_of_it):
            async with open_author(options):
                pass
    with pytest.raises(SpecError, match="timeout_s"):
        async with open_author(ModelOptions(model="m", base_url="http://h/v1", timeout_s=0)):
            pass


@requirement("authors:options", "authors:transcripts")
async def test_a_transcript_takes_the_place_of_a_model_and_can_be_recorded(tmp_path: Path) -> None:
    write_transcript(tmp_path / "t.jsonl", said("no"), said(turn=1))
    options = ModelOptions(
        transcripts=(tmp_path / "t.jsonl",),
        record=tmp_path / "recorded.jsonl",
        ledger=tmp_path / "ledger.jsonl",
        cache=tmp_path / "cache",
    )
    async with open_author(options) as author:
        assert (await author.ask(capital_of())).text == PARIS
        assert author.ledger.summary().total.attempts == 2
    assert len(Transcript(tmp_path / "recorded.jsonl")) == 2


def test_options_and_scripted_authors_load_no_client() -> None:
    code = (
        "import sys, astra_arena.client.authors.model_options\n"
        "print([n for n in ('openai', 'httpx2', 'uvicorn', 'starlette') if n in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
