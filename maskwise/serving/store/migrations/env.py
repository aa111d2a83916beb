"""What Alembic runs for us: the revisions, in the transaction that is handed to it."""

from __future__ import annotations

from alembic import context

from maskwise.serving.store.tables import Table


def run() -> None:
    """Run what was asked for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Table.metadata,
        render_as_batch=True,  # SQLite cannot change a column; the table is rebuilt
    )
    context.run_migrations()


if hasattr(context, "config"):  # Alembic is running it: an import finds nothing to do
    run()
