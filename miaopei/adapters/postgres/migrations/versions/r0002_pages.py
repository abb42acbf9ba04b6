"""Claims in pages, heads of runs of rows, orders without a body: what a million policies need.

Nothing that is hashed changes. Source: docs/specs/record.md, section 4.
"""

import json
from itertools import groupby

from alembic import op
from sqlalchemy import text

from miaopei.claims.leaves import PAGE, claims_from, hashes_of, page_hashes

revision = "0002"
down_revision = "0001"

TABLES = """
create table "group".claims (
  trigger text collate "C", page int,  -- 1,024 claims in the order of the decision
  book text collate "C" not null, benefit text not null,
  low bigint not null, high bigint not null,  -- first positions of the policies in it
  hash bytea not null, body bytea not null, primary key (trigger, page)
);
alter table "group".claims alter column body set storage external;
create table "group".run (  -- heads of the sub-trees over each complete 1,024 rows of a book
  book text collate "C", run int, hash bytea not null, primary key (book, run)
);
alter table "group".row add column subject text collate "C";
update "group".row set subject = convert_from(body, 'UTF8')::json ->> 'subject';
create index on "group".row (book, subject) where subject is not null;

create table own.debt (debt text collate "C" primary key, about bytea not null);
alter table own.instruction alter column body drop not null;  -- null: as its debt and columns say
alter table own.instruction add column policy text collate "C", add column share int;
"""
CLAIMS = """
select c.trigger, c.book, c.benefit, c.body,
  (select min(r.position) from "group".row r where r.book = c.book and r.policy = c.policy)
from "group".claim c order by c.trigger, c.position
"""
PUT = """
insert into "group".claims values (:trigger, :page, :book, :benefit, :low, :high, :hash, :body)
"""


def upgrade() -> None:
    """Make the tables, and put what stood a claim a row into pages."""
    op.execute(TABLES)
    connection = op.get_bind()
    for trigger, rows in groupby(connection.execute(text(CLAIMS)), lambda row: row[0]):
        each = list(rows)
        claims = claims_from([json.loads(row[3]) for row in each], [row[4] or 0 for row in each])
        hashes = page_hashes(hashes_of([bytes(row[3]) for row in each]))
        for page, hash in enumerate(hashes):
            part = claims[page * PAGE : (page + 1) * PAGE]
            low, high = int(part["first"].min()), int(part["first"].max())
            values = {"trigger": trigger, "page": page, "book": each[0][1], "benefit": each[0][2]}
            body = {"low": low, "high": high, "hash": hash, "body": part.tobytes()}
            connection.execute(text(PUT), {**values, **body})
    op.execute('drop table "group".claim')


def downgrade() -> None:
    """There is no way back: orders without a body cannot be read by what came before."""
    raise RuntimeError("tables of 0002 cannot be taken back; restore a backup made before")
