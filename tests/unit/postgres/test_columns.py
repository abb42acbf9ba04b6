"""Columns beside content: a blob's media is what the act says that names it, of lists too."""

from __future__ import annotations

import psycopg

from miaopei.adapters import postgres_columns
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.ledger.checkpoint import verifier_key
from tests.support.grid import grid_town, plan
from tests.support.town import good


def test_the_media_of_a_sealed_list_is_held_against_the_fact_that_names_it(database: str) -> None:
    store = PostgresStore(database)
    try:
        town, _ = grid_town(store)
        town.at("2021-05-31 08:00:00")
        good(town.tell(plan(town, ["a", "b"])))
        assert town.node.genesis is not None
        vkey = verifier_key(town.node.genesis["origin"], town.me.log)
        with store.reading() as reading:
            assert list(postgres_columns.compare(reading, vkey)) == []
        other = "update shared.blob set media = 'miaopei/rows/1' where media = 'miaopei/list/1'"
        with psycopg.connect(database, autocommit=True) as connection:
            assert connection.execute(other.encode()).rowcount == 1
        with store.reading() as reading:
            (found,) = postgres_columns.compare(reading, vkey)
        assert (found.facts["table"], found.facts["column"]) == ("shared.blob", "media")
    finally:
        store.close()
