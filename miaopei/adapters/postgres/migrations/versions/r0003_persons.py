"""Persons under keys of their own, and the uses of what is known of them.

Accounts that stood in plain are sealed on the way. Source: docs/specs/persons.md, section 2.
"""

import json

from alembic import context, op
from sqlalchemy import text

from miaopei.adapters.postgres.own.guard import unguarded

revision = "0003"
down_revision = "0002"

TABLES = """
create table own.person (
  person text collate "C" primary key, master int not null,  -- which master key wraps theirs
  wrapped bytea, body bytea,  -- both null once erased
  guard bytea not null
);
create index on own.person (master);
create table own.payee (  -- whose payments go to a person kept under another name
  subject text collate "C" primary key, person text collate "C" not null, guard bytea not null
);
create index on own.payee (person);
create table own.use (number bigint primary key, body bytea not null);  -- not on the record yet
"""
PUT = "insert into own.person values (:person, :master, :wrapped, :body, :guard)"


def upgrade() -> None:
    """Make the tables, and seal whoever was there."""
    connection = op.get_bind()
    before = connection.execute(text("select subject, body from own.payee")).fetchall()
    op.execute("drop table own.payee")
    op.execute(TABLES)
    if before:
        vault = context.config.attributes["vault"]()
        for subject, body in before:
            row = vault.seal(subject, json.loads(unguarded(subject, bytes(body))))
            values = {n: getattr(row, n) for n in ("person", "master", "wrapped", "body", "guard")}
            connection.execute(text(PUT), values)


def downgrade() -> None:
    """Take them away: what was sealed is not written in plain again."""
    op.execute("drop table own.person, own.payee, own.use")
    op.execute('create table own.payee (subject text collate "C" primary key, body bytea not null)')
