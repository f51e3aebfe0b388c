"""Argument beats environment beats file; every refusal says where the value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from aig_client.core import ConfigurationError
from aig_client.schema import ENVIRONMENT, Settings, load_settings

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
HOST = "https://gateway.ai.cloudflare.com"


def settings(
    arguments: dict[str, str | None] | None = None, environ: dict[str, str] | None = None, path: Path | None = None
) -> Settings:
    return load_settings(arguments or {}, environ=environ or {}, path=None if path is None else str(path))


def written(directory: Path, text: str, name: str = "aig.toml") -> Path:
    path = directory / name
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(autouse=True)
def _an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = (f'account_id = "{ONE}"', 'gateway_id = "file"', 'namespace = "file"', 'policy_epoch = "1"')
    return written(tmp_path, "[gateway]\n" + "\n".join(lines), "other.toml")


def test_each_value_comes_from_its_most_explicit_source(file: Path) -> None:
    found = settings(
        {"account_id": THREE, "gateway_id": None, "namespace": None},
        {"CLOUDFLARE_ACCOUNT_ID": TWO, "AIG_GATEWAY_ID": "env", "AIG_NAMESPACE": ""},
        file,
    )
    assert found.base_url == f"{HOST}/v1/{THREE}/env"
    assert (found.namespace, found.policy_epoch) == ("file", "1")
    assert found.source_of("account_id") == "argument"
    assert found.source_of("gateway_id") == "environment AIG_GATEWAY_ID"
    assert found.source_of("namespace") == f"{file} [gateway]"
    assert found.source_of("token") == "default"


def test_the_file_alone_is_enough(file: Path) -> None:
    assert settings(path=file).base_url == f"{HOST}/v1/{ONE}/file"


def test_the_environment_beats_the_file(file: Path) -> None:
    assert settings(environ={"CF_ACCOUNT_ID": TWO}, path=file).base_url == f"{HOST}/v1/{TWO}/file"


def test_the_arguments_beat_the_environment() -> None:
    found = settings({"account_id": ONE, "gateway_id": "arg"}, {"CLOUDFLARE_ACCOUNT_ID": TWO, "AIG_GATEWAY_ID": "env"})
    assert found.base_url == f"{HOST}/v1/{ONE}/arg"


def test_the_file_of_the_working_directory_is_read(tmp_path: Path) -> None:
    written(tmp_path, f'[gateway]\naccount_id = "{ONE}"\ngateway_id = "here"\n')
    assert settings().base_url == f"{HOST}/v1/{ONE}/here"


@pytest.mark.parametrize(
    ("field", "variable"), [(field, variable) for field, variables in ENVIRONMENT.items() for variable in variables]
)
def test_each_variable_sets_its_field(field: str, variable: str) -> None:
    values = {"account_id": ONE, "gateway_id": "g", "token": "t", "base_url": "https://ai.example.com"}
    value = values.get(field, "x")
    others = {} if field == "base_url" else {"AIG_GATEWAY_ID": "g", "CLOUDFLARE_ACCOUNT_ID": ONE}
    for known in ENVIRONMENT[field]:
        others.pop(known, None)
    found = settings(environ={**others, variable: value})
    assert found.source_of(field) == f"environment {variable}"
    assert value in (found.base_url, found.token, found.namespace, found.policy_epoch) or value in found.base_url


def test_of_two_variables_for_a_field_the_first_counts() -> None:
    found = settings({"gateway_id": "g"}, {"CF_ACCOUNT_ID": ONE, "CLOUDFLARE_ACCOUNT_ID": TWO})
    assert found.base_url == f"{HOST}/v1/{TWO}/g"


def test_a_base_url_stands_for_account_and_gateway() -> None:
    assert settings({"base_url": "https://ai.example.com"}).base_url == "https://ai.example.com"


def test_a_more_explicit_account_and_gateway_beat_a_base_url() -> None:
    environ = {"AIG_BASE_URL": "https://ai.example.com", "CLOUDFLARE_ACCOUNT_ID": TWO}
    assert settings({"account_id": ONE, "gateway_id": "g"}, environ).base_url == f"{HOST}/v1/{ONE}/g"
    assert settings({"gateway_id": "g"}, environ).base_url == "https://ai.example.com"
    assert settings(
        {"base_url": "https://b.example"}, {"CLOUDFLARE_ACCOUNT_ID": ONE, "AIG_GATEWAY_ID": "g"}
    ).base_url == ("https://b.example")


@pytest.mark.parametrize("missing", ["account_id", "gateway_id"])
def test_what_is_not_set_is_named_with_all_the_places_to_set_it(missing: str) -> None:
    given = {"account_id": ONE, "gateway_id": "g", missing: None}
    with pytest.raises(ConfigurationError) as caught:
        settings(given)
    assert caught.value.field == missing
    for place in (f"{missing}=", *ENVIRONMENT[missing], "[gateway] of aig.toml"):
        assert place in str(caught.value)


def test_a_wrong_value_names_its_source(file: Path) -> None:
    cases: list[tuple[str, dict[str, str | None], dict[str, str], str]] = [
        ("account_id", {"account_id": "X"}, {"CLOUDFLARE_ACCOUNT_ID": ONE}, "account_id (argument)"),
        ("account_id", {}, {"CF_ACCOUNT_ID": "X"}, "account_id (environment CF_ACCOUNT_ID)"),
        ("gateway_id", {"gateway_id": "a/b"}, {}, "gateway_id (argument)"),
        ("gateway_id", {}, {"AIG_GATEWAY_ID": "a b"}, "gateway_id (environment AIG_GATEWAY_ID)"),
    ]
    for field, arguments, environ, where in cases:
        with pytest.raises(ConfigurationError) as caught:
            settings(arguments, environ, file)
        assert caught.value.field == field
        assert str(caught.value).startswith(where)


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[gateway]\naccount_id = "X"\ngateway_id = "g"\n', "x.toml")
    with pytest.raises(ConfigurationError) as caught:
        settings(path=path)
    assert caught.value.source == f"{path} [gateway]"


def test_a_token_in_a_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = written(tmp_path, '[gateway]\ntoken = "cf-s3cret"\n', "x.toml")
    with pytest.raises(ConfigurationError) as caught:
        settings({"account_id": ONE, "gateway_id": "g"}, path=path)
    assert caught.value.field == "token"
    assert caught.value.source == f"{path} [gateway]"
    assert "CF_AIG_TOKEN" in str(caught.value)
    assert "cf-s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[gateway]\naccount = 'x'\n", "account"),
        ("[gateway]\nAccount_ID = 'x'\n", "Account_ID"),
        ("[gateway]\nnamespace = 7\n", "namespace"),
        ("[gateway]\nnamespace = ['a']\n", "namespace"),
        ("gateway = 'prod'\n", "gateway"),
        ("[[gateway]]\nnamespace = 'a'\n", "gateway"),
        ("[gateway\n", "config"),
        ("namespace = \n", "config"),
    ],
)
def test_a_file_that_says_what_no_setting_is_names_the_field_and_the_file(
    tmp_path: Path, text: str, field: str
) -> None:
    path = written(tmp_path, text, "x.toml")
    with pytest.raises(ConfigurationError) as caught:
        settings({"account_id": ONE, "gateway_id": "g"}, path=path)
    assert caught.value.field == field
    assert str(path) in str(caught.value)


def test_an_unknown_field_lists_the_known_ones_without_the_token(tmp_path: Path) -> None:
    path = written(tmp_path, "[gateway]\naccount = 'x'\n", "x.toml")
    with pytest.raises(ConfigurationError) as caught:
        settings(path=path)
    assert str(caught.value).endswith("Known: account_id, base_url, edge, gateway_id, namespace, policy_epoch")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe[gateway]")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        settings(path=path)


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        settings({"account_id": ONE, "gateway_id": "g"}, path=tmp_path / "none.toml")
    assert settings({"account_id": ONE, "gateway_id": "g"}).base_url == f"{HOST}/v1/{ONE}/g"


def test_settings_never_show_the_token() -> None:
    found = settings({"account_id": ONE, "gateway_id": "g", "token": "cf-s3cret"})
    assert found.token == "cf-s3cret"
    assert "cf-s3cret" not in repr(found)
