import pytest

from hack.cluster.netfilter import remaining

EMPTY = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
"""

ENGINE_RUNNING = """\
*filter
:INPUT ACCEPT [10:600]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [9:500]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o br-99eb74df6d0a -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 10.202.0.2/32 ! -i br-99eb74df6d0a -o br-99eb74df6d0a -p tcp -m tcp --dport 6443 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A POSTROUTING -s 10.202.0.0/24 ! -o br-99eb74df6d0a -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
"""

OF_THE_USER = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"
OF_THE_USERS_DOCKER = ":DOCKER - [0:0]\n-A FORWARD -j DOCKER\n-A DOCKER -d 172.18.0.2/32 -j ACCEPT"


def test_an_engines_rules_go_and_the_policy_goes_back():
    assert remaining(ENGINE_RUNNING, EMPTY) == EMPTY + "*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n"


def test_what_is_left_twice_is_left_once():
    once = remaining(ENGINE_RUNNING, EMPTY)
    assert remaining(once, EMPTY) == once


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(EMPTY.replace("COMMIT", f"{OF_THE_USER}\nCOMMIT"), id="that was there before"),
        pytest.param(EMPTY, id="that came meanwhile"),
    ],
)
def test_a_rule_of_the_user_stays(before: str):
    present = ENGINE_RUNNING.replace("COMMIT", f"{OF_THE_USER}\nCOMMIT", 1)
    assert OF_THE_USER in remaining(present, before).splitlines()


def test_what_the_users_own_docker_had_before_stays():
    before = EMPTY.replace("COMMIT", f"{OF_THE_USERS_DOCKER}\nCOMMIT")
    left = remaining(before.replace("COMMIT", "-A FORWARD -o br-99eb74df6d0a -j DOCKER\nCOMMIT"), before)
    assert left == before


def test_a_policy_that_was_drop_before_stays_drop():
    before = EMPTY.replace(":FORWARD ACCEPT", ":FORWARD DROP")
    assert ":FORWARD DROP [0:0]" in remaining(ENGINE_RUNNING, before)
