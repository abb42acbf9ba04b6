"""Who has written what is private in a backup: the member itself, whole, at that size, or nobody.

Whoever reaches the file knows the member's public keys, and so could seal persons, accounts and
payment orders of their own for its box.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters import backup
from miaopei.adapters.backup import kept
from miaopei.adapters.backup.kept import note, noted
from miaopei.adapters.backup.signed import demand, named, signature
from miaopei.adapters.keys import fresh
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.place import Keys
from miaopei.cli.proof.auditing import beside_the_log
from miaopei.errors import Refused
from miaopei.ledger.merkle import Frontier, leaf_hash
from miaopei.ledger.tiles import Tile, encode_bundle
from miaopei.measures.identity import canonical, digest, read_canonical
from miaopei.node.order.convening import Founding
from miaopei.node.ports import Identity
from miaopei.node.vault.sealing import seal, unseal, unwrap_any, wrap
from tests.support import servers
from tests.support.consortium import SIX
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town
from tests.unit.receipts import certified

LI = "1a" * 32
KNOWN = {"name": "李四", "account": "62220001", "phone": "13812340000"}
MANIFEST, SIGNED = "manifest.json", "manifest.sig"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Path, Path]]:
    """A record with a person and rows, its backup, and another one after an account was changed."""
    folder = tmp_path_factory.mktemp("backups")
    town = Town(PostgresStore(servers.database()), rail=PaperBank()).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    row = replace(town.policy(listing), subject=LI)
    with town.store.writing() as block:
        block.put_persons({LI: KNOWN})
        block.link_payee(f"policy/{row.policy}", LI)
    town.accounts({f"carrier/{c}": f"C-{c}" for c in CARRIERS})
    town.issue([row])
    _write(town, folder / "old")
    with town.store.writing() as block:
        block.put_persons({LI: {**KNOWN, "account": "62229999"}})
    town.issue([town.policy(listing)])
    _write(town, folder / "new")
    yield town, folder / "old", folder / "new"
    town.store.close()  # type: ignore[attr-defined]


def _write(town: Town, path: Path) -> None:
    with town.store.reading() as reading:
        backup.write(path, reading, town.me, os.urandom)  # type: ignore[arg-type]


def parts_of(path: Path) -> dict[str, bytes]:
    """Name -> bytes of what is in the file."""
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]


def put(path: Path, parts: Mapping[str, bytes], *more: tuple[str, bytes]) -> Path:
    """A file of these parts."""
    with tarfile.open(path, "w") as tar:
        for name, data in (*parts.items(), *more):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def made_up(town: Town, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """What anybody can make: nobody known, and rows of their own, sealed for the member's box."""
    key, _ = unwrap_any(parts["private.wrap"], (town.me.box,))  # only to have the tables' names
    told = read_canonical(unseal(parts["private"], key))
    told |= {"own.person": [], "own.payee": [], "own.progress": [["rows/hills", "39"]]}
    sealed, key = seal(canonical(told), os.urandom)
    box = town.me.box.public_key().public_bytes_raw()
    return {"private": sealed, "private.wrap": wrap(key, box, os.urandom)}


def signed_by(who: Identity, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """A manifest that somebody has signed."""
    shown = canonical(dict(manifest))
    return {MANIFEST: shown, SIGNED: signature(shown, who)}


def refused(path: Path, town: Town) -> tuple[str, object]:
    """How a restore and a check refuse it, with nothing written."""
    store = PostgresStore(servers.database())
    said = []
    for attempt in (
        lambda: backup.check(path, town.me),
        lambda: backup.restore(path, store, town.me),
    ):
        with pytest.raises(Refused) as told:
            attempt()
        said.append((told.value.refusals[0].code, told.value.refusals[0].facts.get("part")))
    with store.reading() as reading:
        assert (reading.head().size, list(reading.blobs())) == (0, [])
    store.close()
    assert said[0] == said[1]
    return said[0]


def test_what_others_have_sealed_for_a_member_is_not_taken_for_its_own(
    written: tuple[Town, Path, Path], tmp_path: Path
) -> None:
    town, old, new = written
    good, earlier, aside = parts_of(new), parts_of(old), tmp_path / "forged"
    forged, told = made_up(town, good), read_canonical(good[MANIFEST])
    assert refused(put(aside, {**good, **forged}), town) == ("backup.altered", "private")
    told |= named(forged, ())
    told["blobs_digest"] = read_canonical(good[MANIFEST])["blobs_digest"]
    unsigned = {**good, **forged, MANIFEST: canonical(told)}
    assert refused(put(aside, unsigned), town)[0] == "backup.not_signed"
    stranger = {**good, **forged, **signed_by(fresh(town.me.member), told)}
    assert refused(put(aside, stranger), town)[0] == "backup.not_signed"
    acts = replace(town.me, log=town.me.acts)  # nor any other key of the member
    assert refused(put(aside, {**good, **signed_by(acts, told)}), town)[0] == "backup.not_signed"
    private = {
        name: earlier[name] for name in ("private", "private.wrap")
    }  # its own, but of before
    assert refused(put(aside, {**good, **private}), town)[0] == "backup.altered"
    private |= {name: earlier[name] for name in (MANIFEST, SIGNED)}
    assert refused(put(aside, {**good, **private}), town)[0] in (
        "backup.altered",
        "backup.part_missing",
    )
    del good[SIGNED]
    assert refused(put(aside, good), town)[0] == "backup.not_signed"


def test_no_blob_is_left_out_put_in_or_there_twice(
    written: tuple[Town, Path, Path], tmp_path: Path
) -> None:
    town, _, new = written
    good, aside = parts_of(new), tmp_path / "other"
    blob = next(name for name in good if name.startswith("blob/"))
    data = b"another blob"
    other = {name: value for name, value in good.items() if name != blob}
    assert refused(put(aside, other), town) == ("backup.altered", "blobs")
    swapped = {**other, f"blob/{digest(data)}": data}
    assert refused(put(aside, swapped), town) == ("backup.altered", "blobs")
    twice = put(aside, good, ("private", made_up(town, good)["private"]))
    assert refused(twice, town) == ("backup.altered", "private")


def test_a_backup_of_the_earlier_format_is_taken_only_where_it_is_asked_for(
    written: tuple[Town, Path, Path], tmp_path: Path
) -> None:
    town, _, new = written
    parts = parts_of(new)
    told = read_canonical(parts[MANIFEST])
    kept = {name: told[name] for name in ("checkpoint", "size", "blobs")}
    parts[MANIFEST] = canonical({"format": "miaopei.backup/2", **kept})
    del parts[SIGNED]
    before = put(tmp_path / "before", parts)
    assert refused(before, town)[0] == "backup.unsigned"
    backup.check(before, town.me, unsigned=True)
    store = PostgresStore(servers.database())
    seen = backup.restore(before, store, town.me, unsigned=True)
    assert (seen.same, seen.private, seen.late) == (True, True, False)
    with store.reading() as reading:
        assert set(reading.persons([LI])) == {LI}
    store.close()


def test_what_is_restored_is_audited_beside_its_log(
    written: tuple[Town, Path, Path], tmp_path: Path
) -> None:
    """A member's own backup of a database that was altered: signed, and not sound."""
    town, _, new = written
    store = PostgresStore(servers.database())
    assert backup.restore(new, store, town.me).same
    assert beside_the_log(Keys(town.me, store)) == []
    with store.writing() as block:
        block.execute("""delete from "group".row where position = 1""")
    with store.reading() as reading:
        backup.write(tmp_path / "holed", reading, town.me, os.urandom)
    again = PostgresStore(servers.database())
    assert backup.restore(tmp_path / "holed", again, town.me).same
    assert "inspect.row_altered" in {each.code for each in beside_the_log(Keys(town.me, again))}
    store.close()
    again.close()


def test_a_key_that_a_seat_had_signs_what_was_written_then_and_nothing_later(
    tmp_path: Path,
) -> None:
    earlier, today = fresh("notary"), fresh("notary")
    other = fresh("cloud")
    leaves = [_seat(earlier), _seat(other), b'{"leaf":"block"}', _seat(today), b'{"leaf":"block"}']
    parts = {"private": b"sealed", "private.wrap": b"key"}
    manifest = {"format": "miaopei.backup/3", **named(parts, ())}

    ours = {digest(canonical(manifest))}

    def said(who: Identity, size: int, names: Container[str] | None = ours) -> str:
        path = put(tmp_path / "file", {**signed_by(who, manifest), **parts})
        with tarfile.open(path) as tar:
            try:
                demand(tar, manifest, today, leaves[:size], names)
            except Refused as refused:
                return refused.refusals[0].code
        return ""

    bad, stolen = "backup.not_signed", "backup.earlier_key"
    assert [said(earlier, size) for size in (1, 3, 4, 5)] == ["", "", bad, bad]
    assert [said(earlier, size, ()) for size in (1, 3, 4, 5)] == [stolen, stolen, bad, bad]
    assert [said(earlier, size, None) for size in (1, 3, 4, 5)] == ["", "", bad, bad]
    for names in (ours, (), None):
        assert [said(today, size, names) for size in (3, 5)] == ["", ""]
        strangers = (other, fresh("notary"))
        assert {said(who, size, names) for who in strangers for size in (2, 5)} == {bad}


def test_keys_that_were_kept_before_a_change_take_what_the_newer_one_has_signed(
    tmp_path: Path,
) -> None:
    """Nothing has replaced that key: only the kept keys.json is older, and names no backup."""
    kept_keys, newer, newest = fresh("notary"), fresh("notary"), fresh("notary")
    leaves = [_seat(kept_keys), _seat(newer), _seat(newest)]
    parts = {"private": b"sealed", "private.wrap": b"key"}
    manifest = {"format": "miaopei.backup/3", **named(parts, ())}
    path = put(tmp_path / "file", {**signed_by(newer, manifest), **parts})
    with tarfile.open(path) as tar:
        demand(tar, manifest, kept_keys, leaves[:2], ())
        with pytest.raises(Refused, match="earlier_key"):
            demand(tar, manifest, newest, leaves[:2], ())
        with pytest.raises(Refused, match="not_signed"):
            demand(tar, manifest, kept_keys, leaves, ())


def test_the_backups_that_a_member_wrote_are_named_beside_its_keys(
    written: tuple[Town, Path, Path], tmp_path: Path
) -> None:
    """One that a thief makes later with the key of then is not among them."""
    town, _, _ = written
    home = tmp_path / "member"
    home.mkdir()
    assert noted(home) == frozenset()
    files = [tmp_path / "one", tmp_path / "two"]
    for file in files:
        with town.store.reading() as reading:
            backup.write(file, reading, town.me, os.urandom, beside=home)  # type: ignore[arg-type]
    names = {digest(parts_of(file)[MANIFEST]) for file in files}
    assert noted(home) == names
    good = parts_of(files[0])
    forged = made_up(town, good)
    told = {**read_canonical(good[MANIFEST]), **named(forged, ())}
    assert digest(canonical(told)) not in names
    (home / "backups.json").write_text("{", "utf-8")
    assert noted(home) == frozenset(), "a file that is none names nothing, and ends nothing"
    note(home, b"another")
    assert noted(home) == {digest(b"another")}


def test_a_name_is_kept_once_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    for manifest in (b"1", b"2", b"1", b"3"):
        note(tmp_path, manifest)
    assert noted(tmp_path) == {digest(b"1"), digest(b"3")}


def test_a_snapshot_is_taken_by_the_members_certificate_and_by_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes the file makes the entries and the root that fits them, too."""
    genesis = {"name": "it", "seats": certified.seats()}
    leaves, me, founding = [b"one", b"two", b"three"], fresh("notary"), Founding(genesis)
    root = Frontier().extend(leaf_hash(leaf) for leaf in leaves).root()
    told = {"format": "miaopei.snapshot/1", "root": root.hex(), "size": len(leaves), "blobs": 0}

    def refused(certificate: Any) -> str | None:
        shown = told if certificate is None else {**told, "certificate": certificate}
        entries = {Tile(None, 0, len(leaves)).path: encode_bundle(leaves)}
        path = put(tmp_path / "snapshot", {MANIFEST: canonical(shown), **entries})
        try:
            backup.check(path, me, founding)
        except Refused as no:
            return no.refusals[0].code
        return None

    good = certified.certificate(genesis, root, SIX, joins=None)
    assert refused(good) is None
    assert refused(None) == "backup.not_certified"
    other = certified.certificate(genesis, bytes(32), SIX, joins=None)
    assert refused(other) == "backup.altered", "certified, and not this"
    strangers = {**genesis, "name": "another"}
    wrong = certified.certificate(strangers, root, SIX, joins=None)
    assert refused(wrong) == "ledger.quorum_other_chain"
    vote = good["commit"]["votes"][0]
    vote["sig"] = f"{int(vote['sig'][:2], 16) ^ 1:02x}{vote['sig'][2:]}"
    assert refused(good) == "ledger.quorum_signature"
    monkeypatch.setattr(certified, "FIVE", 4)  # of six: exactly two thirds
    few = certified.certificate(genesis, root, SIX, joins=None)
    assert refused(few) == "ledger.quorum_too_few"


def _seat(who: Identity) -> bytes:
    log, box = (key.public_key().public_bytes_raw().hex() for key in (who.log, who.box))
    seat = {"member": who.member, "log": log, "box": box}
    return canonical({"leaf": "made", "what": "seat", "value": {"seat": seat}})
