"""What a docker daemon leaves in the kernel's network, and how it is taken away again.

The daemon makes bridges, iptables chains named DOCKER*, rules that name its bridges and subnets, and may set the FORWARD policy to DROP
and switch forwarding on. Rules that were there before it started stay.
"""

import re
import socket
import subprocess
from pathlib import Path
from typing import TypedDict

from hack.cluster.progress import ClusterError, ask

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGES = re.compile(r"^(docker0|br-[0-9a-f]{12})$")


class Snapshot(TypedDict):
    """The network before the engine: the switch for forwarding, the rules, the names of bridges."""

    forwarding: str
    rules: str
    bridges: list[str]


def snapshot() -> Snapshot:
    """Take down what is there now."""
    return {"forwarding": FORWARDING.read_text().strip(), "rules": ask(["iptables-save"]) or "", "bridges": bridges()}


def restore(before: Snapshot) -> None:
    """Remove the bridges and rules that came since, and set forwarding as it was.

    Raises:
        ClusterError: iptables does not take the remaining rules.
    """
    added = [bridge for bridge in bridges() if bridge not in before["bridges"]]
    for bridge in added:
        ask(["ip", "link", "delete", bridge])
    present = ask(["iptables-save"])
    if present:
        done = subprocess.run(["iptables-restore"], input=remaining(present, before["rules"]), check=False, text=True, capture_output=True)
        if done.returncode:
            raise ClusterError(f"iptables-restore refuses the rules without the engine's: {done.stderr.strip()}")
    FORWARDING.write_text(before["forwarding"])


def bridges() -> list[str]:
    """Name the network interfaces that are docker's bridges."""
    return sorted(name for _, name in socket.if_nameindex() if BRIDGES.match(name))


def remaining(present: str, before: str) -> str:
    """Give the rules of `present` without what a docker daemon added to `before`, both in the form of iptables-save.

    A rule or chain is the daemon's if it names a DOCKER chain or one of its bridges or subnets and was not there before. Policies of
    built-in chains go back to what they were, or to ACCEPT where the table was not in use.
    """
    kept_before = set(before.splitlines())
    policies = dict(re.findall(r"^:(\S+) (\S+)", before, re.MULTILINE))
    lines = []
    for line in present.splitlines():
        if line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            if policy == "-" and chain.startswith("DOCKER") and chain not in policies:
                continue
            lines.append(line if policy == "-" else f":{chain} {policies.get(chain, 'ACCEPT')} [0:0]")
        elif line in kept_before or not _is_dockers(line):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _is_dockers(rule: str) -> bool:
    return bool(re.search(r"\bDOCKER|\b(docker0|br-[0-9a-f]{12})\b|10\.20[12]\.\d+\.\d+", rule))
