"""What the shop's services can be told by their environment, and how they refuse what makes no sense."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from target.settings import WEAKNESSES, Settings, read_settings


def test_an_empty_environment_gives_the_defaults():
    """Nothing has to be said."""
    assert read_settings({}) == Settings()


def test_every_variable_is_read():
    """Each of the variables that the Compose file sets reaches its setting."""
    told = {
        "HOST": "0.0.0.0",
        "PORT": "8123",
        "DATABASE_URL": "postgresql://shop:shop@toxiproxy:15432/shop",
        "PAYMENTS_URL": "http://toxiproxy:18080",
        "SHIPPING_URL": "http://toxiproxy:18081",
        "SEED": "7",
        "FEED_URL": "http://toxiproxy:18082",
        "FEED_FORMAT": "csv",
        "FEED_RATIO": "2.01",
        "FEED_WITHOUT": "2026-03",
        "FEED_BAD": "2026-04-02",
        "PAYMENTS_KEY": "whom it knows",
        "RELEASE": "untried",
        "DAY_S": "0.5",
        "PULL_EVERY_S": "1",
        "ALERT_WEBHOOK_URL": "http://127.0.0.1:9/alerts",
        "RUNBOOKS_URL": "http://runbooks.example",
        "BACKUPS": "/somewhere",
        "DATABASE_FOLDER": "/database/pgdata",
        "BACKUP_EVERY_S": "5",
        "BACKUP_KEEP": "7",
        "VERIFY_WITHIN_S": "60",
    }
    assert read_settings(told) == Settings(
        host="0.0.0.0",
        port=8123,
        database_url="postgresql://shop:shop@toxiproxy:15432/shop",
        payments_url="http://toxiproxy:18080",
        shipping_url="http://toxiproxy:18081",
        seed=7,
        feed_url="http://toxiproxy:18082",
        feed_format="csv",
        feed_ratio=Fraction(201, 100),
        feed_without="2026-03",
        feed_bad="2026-04-02",
        payments_key="whom it knows",
        release="untried",
        day_s=0.5,
        pull_every_s=1.0,
        alert_webhook_url="http://127.0.0.1:9/alerts",
        runbooks_url="http://runbooks.example",
        backups=Path("/somewhere"),
        database_folder="/database/pgdata",
        backup_every_s=5.0,
        backup_keep=7,
        verify_within_s=60.0,
    )


@pytest.mark.parametrize("name", ["PORT", "SEED"])
@pytest.mark.parametrize("given", ["eighty", "-1", "80.5"])
def test_a_number_that_is_none_is_named_with_what_was_given(name, given):
    """The message names the variable and its value."""
    with pytest.raises(ValueError, match=f"{name} must be a whole number; given '{given}'"):
        read_settings({name: given})


@pytest.mark.parametrize("name", ["FEED_RATIO", "DAY_S", "PULL_EVERY_S", "BACKUP_EVERY_S", "VERIFY_WITHIN_S"])
@pytest.mark.parametrize("given", ["twice", "-2", "0", "1e9", "nan", "1/0", "2."])
def test_a_ratio_that_is_none_is_named_with_what_was_given(name, given):
    """Above 0, in plain decimals."""
    with pytest.raises(ValueError, match=f"{name} must be a number above 0, as in 2.01; given '{given}'"):
        read_settings({name: given})


def test_a_format_that_is_none_is_refused_with_those_allowed():
    """The message names both."""
    with pytest.raises(ValueError, match="FEED_FORMAT must be json or csv; given 'xml'"):
        read_settings({"FEED_FORMAT": "xml"})


@pytest.mark.parametrize("given", ["", " ", ",", " , "])
def test_no_weakness_is_planted_where_none_is_named(given):
    """Compose hands over an empty WEAKNESS, and that is none."""
    assert read_settings({"WEAKNESS": given}) == Settings()


@pytest.mark.parametrize(
    "given", ["no-timeout,tiny-pool", " tiny-pool , no-timeout ", "tiny-pool,no-timeout,tiny-pool,"]
)
def test_weaknesses_are_a_comma_list(given):
    """Blanks, order, repeats and a comma too many do not matter."""
    assert read_settings({"WEAKNESS": given}).weakness == {"no-timeout", "tiny-pool"}


@pytest.mark.parametrize("given", ["no-timeouts", "tiny-pool,Tiny-Pool", "tiny-pool no-timeout"])
def test_an_unknown_weakness_is_refused_with_those_allowed(given):
    """A misspelt weakness never passes for a sound shop."""
    with pytest.raises(ValueError, match="unknown WEAKNESS") as refused:
        read_settings({"WEAKNESS": given})
    assert all(name in str(refused.value) for name in WEAKNESSES)


def test_only_the_tiny_pool_is_tiny():
    """The pool has one connection with that weakness, and its usual size with every other."""
    sizes = {name: read_settings({"WEAKNESS": name}).pool_size for name in WEAKNESSES}
    assert sizes.pop("tiny-pool") == 1
    assert set(sizes.values()) == {Settings().pool_size}


def test_the_longest_checkout_is_shorter_than_the_visitors_patience():
    """Two turns at the database and one at the provider, each as slow as allowed, end well before the client's 10 s."""
    allowed = Settings()
    turn_s = allowed.database_acquire_s + allowed.database_statement_s
    assert 2 * turn_s + allowed.payments_total_s < 5
