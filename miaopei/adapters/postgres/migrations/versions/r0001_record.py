"""The first tables: the record, its blobs, the rows and claims of books, payments.

Source: docs/specs/record.md, section 4.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
create schema shared;
create schema "group";
create schema if not exists own;

-- shared: the same bytes on every member
create table shared.leaf (position bigint primary key, bytes bytea not null, hash bytea not null);
create table shared.node (
  level int, index bigint, hash bytea not null, primary key (level, index)  -- level 1 and above
);
create table shared.state (
  tab text collate "C", key text collate "C", value bytea not null, primary key (tab, key)
);
create table shared.head (
  "only" boolean primary key default true check ("only"),
  size bigint not null, root bytea not null, height bigint not null, time bigint not null,
  frontier bytea not null  -- the hashes of the complete sub-trees, largest first
);
create table shared.place (  -- where the leaf of a named thing stands
  name text collate "C" primary key, position bigint not null
);
create table shared.blob (
  digest bytea primary key, bytes bytea not null, length bigint not null, media text not null
);
alter table shared.blob alter column bytes set storage external;  -- sealed bytes do not compress

-- group: opened rows and claims of the books that this member reads
create table "group".row (
  book text collate "C", position bigint, recorded_at bigint not null,
  policy text collate "C" not null, body bytea not null, primary key (book, position)
);
create index on "group".row (policy);
create table "group".claim (
  trigger text collate "C", position bigint,  -- its place in the decision's list
  book text collate "C" not null, policy text collate "C" not null, benefit text not null,
  body bytea not null, primary key (trigger, position)
);
create index on "group".claim (policy);

-- own: private to this member
create table own.block (height bigint primary key, time bigint not null, leaves bigint not null);
create table own.checkpoint (size bigint primary key, text text not null);
create table own.wrap (
  digest bytea, reader text collate "C", wrapped bytea not null, primary key (digest, reader)
);
create table own.payee (subject text collate "C" primary key, body bytea not null);
create table own.instruction (
  payout text collate "C", number int, debt text collate "C" not null, state text not null,
  amount bigint not null, bank_ref text, body bytea not null,
  created_at timestamptz not null default now(), changed_at timestamptz not null default now(),
  primary key (payout, number)
);
create index on own.instruction (debt, state, payout, number);
create table own.progress (name text collate "C" primary key, body bytea not null);
create table own.committed (  -- the mark of the last transaction: what became of one in doubt
  "only" boolean primary key default true check ("only"), mark bytea not null
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Take them away, and all they hold."""
    op.execute('drop schema shared cascade; drop schema "group" cascade')
    for table in ("block", "checkpoint", "wrap", "payee", "instruction", "progress", "committed"):
        op.execute(f"drop table own.{table}")
