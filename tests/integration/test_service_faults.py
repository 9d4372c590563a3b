"""Every fault on a service, on both kinds of stack: what a client meets, and that it is gone after."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import asyncpg
import pytest
import requests

from harness import (
    CpuSqueeze,
    DiskFull,
    DnsFailure,
    Freeze,
    Kill,
    MemorySqueeze,
    Partition,
    Restart,
    Stop,
)
from harness.errors import StartError
from harness.stack.docker.engine import Engine
from tests.integration.kept_shop import DATA, KeptShop
from tests.integration.project import wait_for

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BURN = "DO $$ BEGIN FOR number IN 1..2000000000 LOOP END LOOP; END $$"  # no table: it would fill the disk
MANY = "CREATE TABLE many AS SELECT repeat('x', 500) FROM generate_series(1, 50000)"


@pytest.fixture(autouse=True)
def _whole(shop: KeptShop) -> Iterator[None]:
    """Every test leaves the stack whole by the heals of its own faults."""
    yield
    left, report = shop.out_of_place(), shop.stack.heal()
    assert (left, report.mended, report.broken) == ([], (), ())


def test_a_frozen_service_takes_connections_and_says_nothing(shop: KeptShop) -> None:
    """What was asked meanwhile is answered when it goes on, on the same connection."""
    mend = Freeze("payments").inject(shop.stack)
    with shop.dialled("payments") as connection:
        connection.sendall(GET)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        mend()
        connection.settimeout(5)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_killed_service_is_gone_at_once_and_is_back_after(shop: KeptShop) -> None:
    """Standing connections end, new ones are refused, the heal starts it again."""
    with shop.dialled("api") as connection:
        mend = Kill("api").inject(shop.stack)
        connection.settimeout(2)
        assert _ended(connection)
    with pytest.raises(requests.ConnectionError):
        shop.get("/catalogue")
    mend()
    shop.wait_sells()


def _ended(connection: object) -> bool:
    try:
        return connection.recv(10) == b""  # type: ignore[attr-defined]
    except ConnectionError:
        return True


def test_a_killed_database_has_its_data_when_it_is_back(shop: KeptShop) -> None:
    """Its volume outlives it, one that is in memory too."""
    shop.query("CREATE TABLE kept AS SELECT 1")
    Kill("postgres").inject(shop.stack)()
    wait_for(lambda: _answers(shop, "SELECT * FROM kept"), 20, "the table")
    shop.query("DROP TABLE kept")
    shop.wait_sells()


def _answers(shop: KeptShop, text: str) -> bool:
    try:
        shop.query(text)
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, TimeoutError):
        return False
    return True


def test_a_stopped_service_ends_in_good_order_and_stays_away(shop: KeptShop) -> None:
    """It is asked and ends by itself, also where it was frozen; the window's end starts it again."""
    freeze, mend = Freeze("payments").inject(shop.stack), Stop("payments").inject(shop.stack)
    wait_for(lambda: shop.process("payments") is None or not shop.process("payments").alive(), 5, "its end")  # type: ignore[union-attr]
    freeze()
    assert shop.out_of_place()
    assert shop.buy() == 202
    mend()
    shop.wait_sells()


def test_a_restarted_service_is_another_process_soon(shop: KeptShop) -> None:
    """Its window does not hold it down."""
    before = shop.process("payments")
    mend = Restart("payments").inject(shop.stack)
    wait_for(lambda: shop.process("payments") not in (None, before), 10, "another process")
    shop.wait_sells()
    mend()


def test_a_squeezed_processor_is_bounded(shop: KeptShop) -> None:
    """A query that would take a whole core gets a tenth, and more again after."""
    burning = threading.Thread(target=_burn, args=(shop,))
    burning.start()
    try:
        wait_for(lambda: shop.cores_used("postgres", 0.3) > 0.15, 10, "a busy database")
        mend = CpuSqueeze("postgres", cores=0.1).inject(shop.stack)
        assert shop.cores_used("postgres", 2.0) <= 0.13
        mend()
        assert shop.cores_used("postgres", 1.0) > 0.13
    finally:
        shop.query(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = '{BURN}'")
        burning.join(10)


def _burn(shop: KeptShop) -> None:
    with pytest.raises(asyncpg.QueryCanceledError):
        shop.query(BURN, timeout_s=30)


def test_memory_below_what_it_holds_kills_and_above_lets_live(shop: KeptShop) -> None:
    """As the kernel does it; the window's end starts it again."""
    before = shop.process("payments")
    mend = MemorySqueeze("payments", limit_mb=1000).inject(shop.stack)
    assert shop.buy() == 201
    mend()
    assert shop.process("payments") == before
    mend = MemorySqueeze("payments", limit_mb=8).inject(shop.stack)
    wait_for(lambda: shop.stack.fallen() == ["payments"], 3, "its end")
    assert shop.stack.dead() is None
    mend()
    shop.wait_sells()


def test_a_full_disk_fails_writes_and_lets_reads_pass(shop: KeptShop) -> None:
    """The database says that it has no space; after the window the shop takes orders."""
    if shop.kind == "embedded" and os.geteuid() != 0:
        pytest.skip("only root can give the embedded stack a disk of its own")
    mend = DiskFull("postgres", path=DATA).inject(shop.stack)
    with pytest.raises(asyncpg.DiskFullError):
        shop.query(MANY)
    assert shop.get("/catalogue") == 200
    mend()
    shop.query(MANY)
    shop.query("DROP TABLE many")
    assert shop.buy() == 201


def test_a_disk_that_others_share_is_never_filled(shop: KeptShop) -> None:
    """Only a volume of bounded size of the service's own."""
    with pytest.raises(StartError, match=r"a full disk at /tmp is not possible on api"):
        DiskFull("api", path="/tmp").inject(shop.stack)


def test_a_partition_cuts_a_service_off_and_brings_it_back_by_its_names(shop: KeptShop) -> None:
    """Nobody reaches it meanwhile; the embedded stack, which has no networks of its own, says who can."""
    if shop.kind == "embedded":
        with pytest.raises(StartError, match="--stack docker"):
            Partition("payments").inject(shop.stack)
        return
    assert shop.buy() == 201
    mend = Partition("payments").inject(shop.stack)
    assert shop.buy() == 202
    assert shop.get("/catalogue") == 200
    mend()
    shop.wait_sells()


def test_a_partition_of_the_entry_takes_its_published_port_away_and_back(shop: KeptShop) -> None:
    """The load meets the partition too, and the same address after."""
    if shop.kind == "embedded":
        pytest.skip("the embedded stack cannot, and says so")
    mend = Partition("api").inject(shop.stack)
    with pytest.raises(requests.RequestException):
        shop.get("/catalogue", timeout_s=1)
    mend()
    shop.wait_sells()


def test_names_are_not_found_while_what_is_connected_goes_on(shop: KeptShop) -> None:
    """New look-ups fail, pooled connections work, and look-ups work after."""
    if shop.kind == "embedded":
        with pytest.raises(StartError, match="--stack docker"):
            DnsFailure("api").inject(shop.stack)
        return
    assert _looks_up(shop, "toxiproxy")
    mend = DnsFailure("api").inject(shop.stack)
    assert not _looks_up(shop, "toxiproxy")
    assert shop.get("/catalogue") == 200
    mend()
    assert _looks_up(shop, "toxiproxy")


def _looks_up(shop: KeptShop, name: str) -> bool:
    container = shop.service("api").container
    assert container is not None
    code, _ = Engine.connect().run(container.id, ["getent", "hosts", name])
    return code == 0


# ------------------------------------------------------------------------------------------------------------ overlaps


def test_overlapping_faults_each_heal_their_own(shop: KeptShop) -> None:
    """Frozen twice it goes on with the last; the tightest of two limits counts."""
    first, second = Freeze("payments").inject(shop.stack), Freeze("payments").inject(shop.stack)
    first()
    with shop.dialled("payments", 0.5) as connection:
        connection.sendall(GET)
        with pytest.raises(TimeoutError):
            connection.recv(100)
    second()
    wide = MemorySqueeze("payments", limit_mb=1000).inject(shop.stack)
    tight = MemorySqueeze("payments", limit_mb=8).inject(shop.stack)
    wait_for(lambda: shop.stack.fallen() == ["payments"], 3, "its end")
    tight()
    shop.wait_sells()
    wide()


def test_a_frozen_service_that_is_killed_is_frozen_when_it_is_back(shop: KeptShop) -> None:
    """Each window ends its own: the kill's starts it, the freeze's lets it go on."""
    freeze, kill = Freeze("payments").inject(shop.stack), Kill("payments").inject(shop.stack)
    assert shop.process("payments") is None or not shop.process("payments").alive()  # type: ignore[union-attr]
    kill()
    time.sleep(0.3)
    assert any("stopped" in one or "paused" in one for one in shop.out_of_place())
    freeze()
    shop.wait_sells()


def test_a_restart_while_it_is_held_down_starts_nothing(shop: KeptShop) -> None:
    """It is back when the kill's window ends, and not before."""
    kill, restart = Kill("payments").inject(shop.stack), Restart("payments").inject(shop.stack)
    restart()
    assert any("does not run" in one for one in shop.out_of_place())
    kill()
    shop.wait_sells()


def test_a_frozen_service_that_is_squeezed_stays_frozen(shop: KeptShop) -> None:
    """The squeeze lets nothing go on that another fault holds."""
    freeze = Freeze("payments").inject(shop.stack)
    squeeze = CpuSqueeze("payments", cores=0.5).inject(shop.stack)
    assert shop.cores_used("payments", 0.3) < 0.01
    squeeze()
    assert shop.cores_used("payments", 0.3) < 0.01
    freeze()
    wait_for(lambda: shop.buy() == 201, 10, "a breaker that closes again")
