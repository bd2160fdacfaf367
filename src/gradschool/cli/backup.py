"""`gradschool backup`: everything that the office keeps, of one moment, while it serves."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1), help="Afterwards remove all but the latest so many backups in FOLDER.")
@click.option("--without-key", is_flag=True, help="Leave out the key that signs receipts, which you keep elsewhere.")
@click.option("--verify", is_flag=True, help="Read every file of the backup once more.")
def command(folder: Path, keep: int | None, without_key: bool, verify: bool) -> None:
    """Back the office up into FOLDER, beside the backups that are there; what they have is not copied again.

    The site and the workers go on. Without --without-key the backup opens everything: keep it as you keep the office.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
    import django

    django.setup()
    from gradschool.office.keeping import chest
    from gradschool.office.keeping.backup import back_up
    from gradschool.office.keeping.restore import refuse_unless_whole
    from gradschool.office.keeping.rules import BadBackup

    try:
        manifest = back_up(folder, with_key=not without_key)
        if verify:
            refuse_unless_whole(folder, manifest)
        gone = chest.forget(folder, keep) if keep else []
    except BadBackup as error:
        raise click.ClickException(str(error)) from error
    size = sum(manifest.blobs.values()) / 2**20
    click.echo(
        f"Backup {manifest.stamp} in {folder}: {sum(manifest.tables.values())} rows of {manifest.database}, "
        f"{len(manifest.blobs)} files of {size:.1f} MB{', verified' if verify else ''}."
    )
    if gone:
        click.echo(f"Removed {len(gone)} older: {', '.join(gone)}.")
    if manifest.key is not None:
        click.echo("The key that signs receipts and sessions is in it: whoever reads the backup can forge both.")
    elif not without_key:
        click.echo("The key is not in it: it comes from GRADSCHOOL_SECRET_KEY, and restoring needs the same one.")
    if manifest.missing:
        raise click.ClickException(
            f"{len(manifest.missing)} files that rows name were missing from the store, or damaged: "
            f"{', '.join(manifest.missing[:3])}. The rest is backed up."
        )
