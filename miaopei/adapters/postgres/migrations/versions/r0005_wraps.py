"""Each wrapped key has a digest beside it.

A wrap opens for its reader alone: that a bit of another's has changed here, nothing would tell
before that reader asked for it and found that it opens nothing.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """What is there is taken as it is."""
    op.execute("alter table own.wrap add column guard bytea")
    op.execute(
        "update own.wrap set guard ="
        " sha256(digest || convert_to(reader, 'UTF8') || '\\x00'::bytea || wrapped)"
    )


def downgrade() -> None:
    """Without them again."""
    op.execute("alter table own.wrap drop column guard")
