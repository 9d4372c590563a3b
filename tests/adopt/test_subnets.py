"""Subnets from the range that is nobody's."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adopt.subnets import POOL, Subnets, fixed, given_out, prefix_for, six
from harness.errors import StartError


@given(
    st.lists(st.integers(24, 28), max_size=40),
    st.lists(
        st.integers(0, 8191).map(lambda n: str(IPv4Network((int(POOL.network_address) + 16 * n, 28)))), max_size=20
    ),
    st.integers(0, 2**32),
)
def test_subnets_never_meet(prefixes, in_use, seed):
    """Not one another, not what is in use; and they are of the pool."""
    allotted = Subnets((*in_use, "10.0.0.0/8"), seed).allot(prefixes)
    assert [one.prefixlen for one in allotted] == prefixes
    others = [ip_network(text) for text in set(in_use)]
    for n, one in enumerate(allotted):
        assert one.subnet_of(POOL)
        assert not any(one.overlaps(other) for other in (*allotted[n + 1 :], *others))


def test_two_runs_begin_at_different_places():
    """A seed is a place; the same seed is the same place."""
    places = [Subnets(seed=seed).allot([28] * 30) for seed in range(20)]
    assert places[3] == Subnets(seed=3).allot([28] * 30)
    assert len({one[0] for one in places}) == 20
    assert len({net for one in places for net in one}) == 600


@pytest.mark.parametrize("in_use", ["198.18.0.0/15", "198.0.0.0/8", "198.18.0.0/16"])
def test_what_is_in_use_is_left_alone(in_use):
    """Also when it is larger than the pool."""
    if in_use == "198.18.0.0/16":
        assert Subnets((in_use,)).allot([28])[0].subnet_of(IPv4Network("198.19.0.0/16"))
        return
    with pytest.raises(StartError, match="docker network prune"):
        Subnets((in_use,)).allot([28])


def test_what_is_no_subnet_of_this_kind_is_in_nobodys_way():
    """A default route, IPv6, nothing."""
    assert Subnets(("0.0.0.0/0", "fd00::/8", "", "default")).allot([28])


def test_a_full_pool_says_what_to_do():
    """With the number of networks that fill it."""
    with pytest.raises(StartError, match=r"no free /16 is left.*1 networks are in use.*docker network ls") as caught:
        Subnets(("198.19.0.0/28",)).allot([16, 16])
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(("containers", "prefix"), [(0, 28), (1, 28), (3, 28), (4, 27), (7, 27), (8, 26), (100, 23)])
def test_an_edge_has_room_for_every_replica_and_its_successor(containers, prefix):
    """In the upper half, where Toxiproxy's address and the gateway's are not."""
    subnet = IPv4Network(("198.18.0.0", prefix_for(containers)))
    assert subnet.prefixlen == prefix
    assert given_out(subnet).num_addresses - 1 >= 2 * containers + 1
    assert fixed(subnet) not in given_out(subnet)
    assert str(fixed(subnet)) == "198.18.0.2"


def test_an_ipv6_subnet_is_as_unique_as_its_ipv4_one():
    """One /64 for each smallest subnet."""
    all_of_them = {six(one) for one in POOL.subnets(new_prefix=28)}
    assert len(all_of_them) == 8192
    assert str(six(IPv4Network("198.18.0.16/28"))) == "fd68:7872:6573:1::/64"
