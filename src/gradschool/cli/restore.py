"""`gradschool restore`: an office out of a backup, into an empty home."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--at", "stamp", default="", help="Which backup of FOLDER; by default the latest.")
@click.option("--check", is_flag=True, help="Only read every file of the backup, and change nothing.")
def command(folder: Path, stamp: str, check: bool) -> None:
    """Make an empty $GRADSCHOOL_HOME, and an empty database, what the backup in FOLDER says.

    Everything is verified first; what does not verify changes nothing.
    """
    from gradschool.office.environment import BadSetting
    from gradschool.office.keeping import chest
    from gradschool.office.keeping.restore import refuse_unless_whole, restore
    from gradschool.office.keeping.rules import BadBackup

    try:
        manifest = chest.manifest_of(folder, stamp)
        if check:
            refuse_unless_whole(folder, manifest)
            click.echo(f"Backup {manifest.stamp} verifies: its rows and {len(manifest.blobs)} files are whole.")
            return
        hand_ins, contents = restore(folder, manifest)
    except (BadBackup, BadSetting) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"Restored backup {manifest.stamp}: {sum(manifest.tables.values())} rows and {contents} files; "
        f"{hand_ins} hand-ins, each with its receipt, which verifies."
    )
    if manifest.missing:
        click.echo(
            f"{len(manifest.missing)} files were lost before the backup was made: {', '.join(manifest.missing)}."
        )
    click.echo("Start it with `gradschool serve --course FOLDER`: the course folder is not part of a backup.")
