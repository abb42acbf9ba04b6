"""Run by Alembic: migrates on the connection that `schema.migrate` opened, in its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="own",
)
with context.begin_transaction():
    context.run_migrations()
