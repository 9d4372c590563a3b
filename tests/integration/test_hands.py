"""The verbs by which a stack is worked on by hand, on both kinds: what they do is seen by whoever uses the stack."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from harness import Sql
from harness.record import HealReport
from harness.stack.heal import heal
from tests.integration.kept_shop import KeptShop
from tests.integration.project import wait_for

COUNT = "select count(*) > 0 from products"


def _by_hand(shop: KeptShop, *words: str, code: int = 0) -> str:
    """`harness stack WORDS`, and what it says."""
    done = shop.project.run("stack", *words)
    assert done.returncode == code, (words, done.stdout)
    return done.stdout


def _only_embedded(shop: KeptShop) -> None:
    """Where containers take the same way, and much longer; what is theirs alone is in test_redeploy.py."""
    if shop.kind == "docker":
        pytest.skip("the same on both kinds of stack")


def _sells(shop: KeptShop) -> Callable[[], bool]:
    return lambda: shop.sells()


def test_a_service_is_stopped_and_started_and_the_run_sees_both(shop: KeptShop) -> None:
    """By another process than the run's: which process it is now is known, and heal has nothing to mend. A command runs
    while it is down too: a restore needs the folder and the tools of a database that does not run."""
    postgres = shop.stack.service("postgres")
    assert "postgres is stopped" in _by_hand(shop, "stop", "postgres")
    assert not postgres._powers.alive()
    assert "did not run" in _by_hand(shop, "stop", "postgres")
    assert "global" in _by_hand(shop, "exec", "postgres", "--", "sh", "-c", 'ls "$PGDATA"').split()
    assert "postgres is started and ready" in _by_hand(shop, "start", "postgres")
    assert postgres._powers.alive()
    assert "ran already" in _by_hand(shop, "start", "postgres")
    wait_for(_sells(shop), 30, "the shop sells")
    assert heal(shop.state) == HealReport()


def test_a_command_runs_as_the_service_would(shop: KeptShop) -> None:
    """With its environment; its exit code and both outputs come through. PostgreSQL's clients find their server."""
    said = _by_hand(shop, "exec", "api", "--", "sh", "-c", "echo $PAYMENTS_URL; echo oh >&2; exit 7", code=7)
    assert "http://" in said
    assert "oh" in said
    assert "t" in _by_hand(shop, "exec", "postgres", "--", "psql", "-Atc", COUNT).split()
    missing = 2 if shop.kind == "embedded" else 126
    assert "no-such-program" in _by_hand(shop, "exec", "api", "--", "no-such-program", code=missing)


def test_a_deploy_changes_the_variables_and_is_taken_back(shop: KeptShop) -> None:
    """At the same address, and no further back than before the first."""
    _by_hand(shop, "deploy", "api", "ONE=1", "SEED=5")
    wait_for(_sells(shop), 30, "the shop sells")
    show = ("exec", "api", "--", "sh", "-c", "echo one=$ONE seed=$SEED")
    assert "one=1 seed=5" in _by_hand(shop, *show)
    name, names = _by_hand(shop, "deploys", "api").strip().split(" ", 1)
    assert names == "ONE, SEED"
    assert "nothing was changed" in _by_hand(shop, "deploy", "api", "--back", "2026-01-01T00:00:00.000Z", code=2)
    _by_hand(shop, "deploy", "api", "--back", name)
    assert f"one= seed={os.environ.get('SEED', '')}" in _by_hand(shop, *show)
    assert "no way back" in _by_hand(shop, "deploy", "api", "--back", name, code=2)
    assert "nothing is deployed" in _by_hand(shop, "deploys", "api", code=4)
    wait_for(_sells(shop), 30, "the shop sells")
    assert shop.stack.service("api")._powers.alive()


def test_a_deploy_that_does_not_start_says_why(shop: KeptShop) -> None:
    """With the end of its log; the way back is open."""
    _only_embedded(shop)
    said = _by_hand(shop, "deploy", "payments", "PORT=none", code=6)
    assert "PORT must be a whole number" in said
    _by_hand(shop, "deploy", "payments", "--back")
    wait_for(_sells(shop), 30, "the shop sells")


def test_a_service_is_asked_and_its_log_read(shop: KeptShop) -> None:
    """Around every link; a service that is not there is named, with those that are."""
    assert _by_hand(shop, "get", "api", "/healthz").startswith("200\n")
    assert _by_hand(shop, "get", "api", "/nothing").startswith("404\n")
    assert "unknown service 'apj'" in _by_hand(shop, "get", "apj", "/healthz", code=6)
    assert "database system" in _by_hand(shop, "logs", "postgres", "-n", "500")


def test_alerts_are_told_as_long_as_they_fire(shop: KeptShop) -> None:
    """Never heard of, firing, over: three answers, and no silence."""
    _only_embedded(shop)
    assert "no PaymentsBreakerOpen was heard of" in _by_hand(shop, "alerts", "PaymentsBreakerOpen", code=4)
    _by_hand(shop, "stop", "payments")
    wait_for(lambda: [shop.buy() for _ in range(5)] and _fires(shop), 40, "the alert")
    _by_hand(shop, "start", "payments")
    wait_for(lambda: shop.project.run("stack", "alerts", "PaymentsBreakerOpen").returncode == 0, 40, "its end")
    assert "over since" in _by_hand(shop, "alerts", "PaymentsBreakerOpen")


def _fires(shop: KeptShop) -> bool:
    done = shop.project.run("stack", "alerts", "PaymentsBreakerOpen")
    return done.returncode == 1 and "FIRING" in done.stdout


def test_a_statement_is_run_and_left_open(shop: KeptShop) -> None:
    """At once, or in a session that keeps its locks until somebody ends it: as drills do it."""
    Sql("postgres", "CREATE TABLE tried (id int)").inject(shop.stack)
    Sql("postgres", "LOCK TABLE tried", hold=True).inject(shop.stack)
    held = "FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE relname = 'tried' AND granted"
    (row,) = shop.query(f"SELECT pid {held}")
    shop.query(f"SELECT pg_terminate_backend({row['pid']})")
    wait_for(lambda: not shop.query(f"SELECT pid {held}"), 10, "the end of the session")
    Sql("postgres", "DROP TABLE tried").inject(shop.stack)
