"""The engine's folder: keys, genesis, settings. Every setting that is not the engine's own stands
here with its reason; the figures behind them are in docs/specs/consortium.md, section 7.
"""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...measures.suites import public_hex
from ...node.order.application import APP_VERSION
from ..whole_files import write_whole

BLOCK_BYTES = 2_000_000
ABCI_SOCKET, RPC_SOCKET = "app.sock", "rpc.sock"
ENGINE = "engine"  # the engine's home in its member's folder
SIGNED = "priv_validator_state.json"  # what keeps a member from signing twice
PRIVATE, PUBLIC = "tendermint/PrivKeyEd25519", "tendermint/PubKeyEd25519"


@dataclass(frozen=True)
class Neighbour:
    """Another member's engine: its connection id and where it listens."""

    id: str
    address: str  # host:port


@dataclass(frozen=True)
class Home:
    """What an engine's folder is made from."""

    name: str
    chain: str
    time: int
    validators: tuple[tuple[str, str, int], ...]  # name, public key (hex), power
    listens: str  # host:port
    reached: str  # host:port by which others know it
    neighbours: tuple[Neighbour, ...]
    validator: Ed25519PrivateKey
    connection: Ed25519PrivateKey
    quick: bool = False  # blocks as soon as they can be: a replay waits for each
    first: int = 1  # the height of the engine's first block


def write(folder: Path, home: Home) -> None:
    """Make the folder of an engine that has never run.

    The file that keeps it from signing twice is made here and never again.
    """
    config, data = folder / "config", folder / "data"
    for made in (config, data):
        made.mkdir(parents=True, mode=0o700)
    keep(data / SIGNED, {"height": "0", "round": 0, "step": 0})
    write_keys(folder, validator=home.validator, connection=home.connection)
    keep(config / "genesis.json", genesis(home))
    write_settings(
        folder, home.name, home.listens, home.neighbours, quick=home.quick, reached=home.reached
    )


def write_keys(
    folder: Path,
    *,
    validator: Ed25519PrivateKey | None = None,
    connection: Ed25519PrivateKey | None = None,
) -> None:
    """The engine's keys, in place of those that are there; it must be down.

    What it has signed stays in its file, also under a new key: it signs no height twice.
    """
    if validator is not None:
        key = {
            "address": address(public_hex(validator)).upper(),
            "pub_key": {"type": PUBLIC, "value": _b64(bytes.fromhex(public_hex(validator)))},
            "priv_key": _private(validator),
        }
        keep(folder / "config" / "priv_validator_key.json", key)
    if connection is not None:
        keep(folder / "config" / "node_key.json", {"priv_key": _private(connection)})


def write_settings(
    folder: Path,
    name: str,
    listens: str,
    neighbours: Iterable[Neighbour],
    *,
    quick: bool,
    reached: str,
) -> None:
    """The engine's settings, also where they have changed (an address, a new member)."""
    text = _toml(settings(name, listens, tuple(neighbours), quick=quick, reached=reached))
    write_whole(folder / "config" / "config.toml", text.encode("utf-8"))


def write_neighbours(folder: Path, neighbours: Iterable[Neighbour]) -> None:
    """Other neighbours, the rest of the settings as it is; for the engine's next start."""
    path = folder / "config" / "config.toml"
    line = f"persistent_peers = {json.dumps(_peers(neighbours))}"
    lines = path.read_text("utf-8").split("\n")
    text = [line if old.startswith("persistent_peers = ") else old for old in lines]
    write_whole(path, "\n".join(text).encode("utf-8"))


def genesis(home: Home) -> dict[str, Any]:
    """The engine's own genesis; everything of it follows from that of the record."""
    return {
        "genesis_time": datetime.fromtimestamp(home.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "chain_id": home.chain,
        "initial_height": str(home.first),
        "consensus_params": {
            # Small blocks: large ones miss their turn under load, and the order then stops.
            "block": {"max_bytes": str(BLOCK_BYTES), "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": "100000",
                "max_age_duration": "172800000000000",
                "max_bytes": "100000",
            },
            "validator": {"pub_key_types": ["ed25519"]},
            # Must be what our application says of itself: else a replay after `rollback` fails.
            "version": {"app": str(APP_VERSION)},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [
            {
                "address": address(key).upper(),
                "pub_key": {"type": PUBLIC, "value": _b64(bytes.fromhex(key))},
                "power": str(power),
                "name": name,
            }
            for name, key, power in home.validators
            if power
        ],
        "app_hash": "",
    }


def settings(
    name: str,
    listens: str,
    neighbours: tuple[Neighbour, ...],
    *,
    quick: bool = False,
    reached: str | None = None,
) -> Mapping[str, Mapping[str, object]]:
    """All settings that differ from the engine's own, by section; "" is the top."""
    return {
        "": {
            "moniker": name,
            "proxy_app": f"unix://{ABCI_SOCKET}",  # gRPC stops under load: votes wait behind it
            "abci": "socket",
            "filter_peers": True,  # who may connect is asked of the record
            "log_level": "error",
            "log_format": "plain",
        },
        "rpc": {
            # A socket in a folder of ours: the interface knows no password.
            "laddr": f"unix://{RPC_SOCKET}",
            "max_body_bytes": 4_000_000,
        },
        "p2p": {
            "laddr": f"tcp://{listens}",
            "external_address": reached
            or listens,  # else an inbound member is not taken for a lasting one
            "persistent_peers": _peers(neighbours),
            "pex": False,  # nobody is introduced by others
            "allow_duplicate_ip": True,
            "addr_book_strict": False,
            "flush_throttle_timeout": "10ms",  # 100 ms would cost 0.6 s a block
            "send_rate": 100_000_000,
            "recv_rate": 100_000_000,
        },
        "mempool": {
            "recheck": False,  # applying finds out again anyway
            "size": 20_000,
            "max_txs_bytes": 16_000_000,  # refuse rather than collapse
            "cache_size": 100_000,
        },
        "consensus": {
            # What a dead member's turn costs: 1.6 s.
            "timeout_propose": "1s",
            "timeout_prevote": "250ms",
            "timeout_precommit": "250ms",
            "timeout_commit": "1ms" if quick else "200ms",
            # Never without an interval: an act that one queue alone holds would stick.
            "create_empty_blocks": False,
            "create_empty_blocks_interval": "15s",
            "peer_gossip_sleep_duration": "10ms",
        },
        "storage": {"discard_abci_responses": False},
        "tx_index": {"indexer": "null"},  # the record is the index
    }


def _peers(neighbours: Iterable[Neighbour]) -> str:
    return ",".join(f"{peer.id}@{peer.address}" for peer in neighbours)


def listens_at(folder: Path) -> str | None:
    """Where an engine listens for the others', by its settings: host:port. None where they cannot
    be read, which the engine says in its own words.
    """
    with suppress(OSError, ValueError, KeyError):
        told = tomllib.loads((folder / "config" / "config.toml").read_text("utf-8"))
        return str(told["p2p"]["laddr"]).removeprefix("tcp://")
    return None


def address(public: str) -> str:
    """What the engine calls a key: the first 20 bytes of its SHA-256, in lower-case hex."""
    return sha256(bytes.fromhex(public)).hexdigest()[:40]


def _private(key: Ed25519PrivateKey) -> dict[str, str]:
    value = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return {"type": PRIVATE, "value": _b64(value)}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def keep(path: Path, value: object) -> None:
    """Write a file of the engine."""
    write_whole(path, json.dumps(value, indent=2).encode("ascii"))


def _toml(value: Mapping[str, Mapping[str, object]]) -> str:
    lines = ["# Written by miaopei; what is not here is the engine's own."]
    for section, entries in value.items():
        lines += [f"\n[{section}]"] if section else []
        lines += [f"{name} = {json.dumps(given)}" for name, given in entries.items()]
    return "\n".join(lines) + "\n"
