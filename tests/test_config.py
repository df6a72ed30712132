"""Settings come from flags, then the environment, then the file, then the defaults."""

from pathlib import Path

import pytest

from pi_edge import config
from pi_edge.errors import BadInput, NotFound


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('port = 1001\nled_pin = 4\nhost = "::1"\n')
    settings = config.load({"port": 1003}, {"PI_EDGE_PORT": "1002", "PI_EDGE_LED_PIN": "5"}, file)
    assert (settings.port, settings.led_pin, settings.host) == (1003, 5, "::1")


def test_the_limits_of_styling_can_be_set_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("style_memory = 150\nstyle_queue = 2\n")
    settings = config.load({}, {"PI_EDGE_STYLE_QUEUE": "0"}, file)
    assert (settings.style_memory, settings.style_queue) == (150, 0)
    defaults = config.load({}, {})
    assert (defaults.style_memory, defaults.style_queue) == (200, 4)


def test_a_token_can_be_set_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('token = "s3cret~"\n')
    settings = config.load({}, {}, file)
    assert settings.token == "s3cret~"
    assert "s3cret" not in repr(settings)
    assert config.load({}, {"PI_EDGE_TOKEN": "other"}, file).token == "other"


@pytest.mark.parametrize("token", ["s3cret word", "s3cret\n", "s3crét", "s3cret\x7f"])
def test_a_token_that_no_header_carries_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(BadInput, match="PI_EDGE_TOKEN must be letters, digits") as refusal:
        config.load({}, {"PI_EDGE_TOKEN": token})
    assert "s3c" not in str(refusal.value)


def test_names_stand_in_an_array_or_in_one_text(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('allowed_hosts = ["Pi.example", "pi:8080"]\nallowed_origins = []\n')
    settings = config.load({}, {"PI_EDGE_ALLOWED_ORIGINS": "https://a.example/, http://b:1"}, file)
    assert settings.allowed_hosts == ("pi.example", "pi:8080")
    assert settings.allowed_origins == ("https://a.example", "http://b:1")
    assert config.load({"allowed_hosts": "*"}, {}).allowed_hosts == ("*",)
    assert config.load({}, {}).allowed_hosts == ()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"allowed_hosts": "https://pi.example"}, "--allowed_hosts must hold names as in"),
        ({"allowed_hosts": "pi.example/x"}, "not 'pi.example/x'"),
        ({"allowed_origins": "pages.example"}, "as in https://pages.example"),
        ({"allowed_origins": "https://pages.example/path"}, "https://pages.example/path"),
        ({"allowed_origins": "*"}, "--allowed_origins must hold"),
        ({"allowed_hosts": 7}, "must be a list of names"),
        ({"allowed_hosts": [7]}, "must be a list of names"),
        ({"client_rate": -1}, "--client_rate must be from 0"),
        ({"max_connections": 1}, "--max_connections must be from 8"),
    ],
)
def test_a_name_that_cannot_be_meant_is_refused(flags: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        config.load(flags, {})


def test_a_certificate_is_a_path_and_none_without_one() -> None:
    settings = config.load({"tls_certificate": "~/pi.pem"}, {"HOME": "/x", "PI_EDGE_TLS_KEY": ""})
    assert settings.tls_certificate == Path("~/pi.pem").expanduser()
    assert settings.tls_key is None


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert config.load({"port": None}, {}).port == 8080


def test_a_folder_may_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert config.load({"models": "~/m"}, {}).models == Path("/somewhere/m")


def test_state_follows_the_xdg_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/x")
    assert config.load({}, {}).state == Path("/var/x/pi-edge")


@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        ({"port": "eighty"}, {}, "--port must be a whole number"),
        ({}, {"PI_EDGE_PORT": "70000"}, "PI_EDGE_PORT must be from 0 to 65535"),
        ({"led": "blue"}, {}, "--led must be one of auto, gpio, mock, off"),
        ({}, {"PI_EDGE_THREADS": "0"}, "PI_EDGE_THREADS must be from 1"),
        ({"style_memory": "50"}, {}, "--style_memory must be from 100"),
        ({}, {"PI_EDGE_STYLE_QUEUE": "-1"}, "PI_EDGE_STYLE_QUEUE must be from 0"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_where_it_came_from(
    flags: dict, environ: dict, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        config.load(flags, environ)


def test_an_unknown_setting_in_the_file_is_refused_with_the_list_of_known_ones(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("prot = 80\n")
    with pytest.raises(BadInput, match=r"prot is no setting: did you mean 'port'\?"):
        config.load({}, {}, file)


def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("port 80")
    with pytest.raises(BadInput, match=r"config\.toml is not TOML"):
        config.load({}, {}, file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('models = "~nobody-here/models"', "models is in the home of nobody known here"),
        ("port = " + "9" * 5000, "is not TOML"),
        ("port = 0x" + "f" * 5000, "port must be from 0 to 65535"),
        ("port = " + "[" * 5000, "is not TOML"),
    ],
)
def test_a_file_that_nobody_would_write_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadInput, match=words):
        config.load({}, {}, file)


def test_a_file_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no settings file"):
        config.load({}, {}, tmp_path / "none.toml")
