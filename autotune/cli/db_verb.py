"""``autotune db``: path, export, import, merge, clear."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..errors import StoreError
from ..kernel.signature import describe_key
from ..machine import fingerprint
from ..store import merging, shipped, store
from .common import NOTHING_RECORDED, json_option, print_json


@click.group("db")
def command() -> None:
    """Show, export, import, merge or clear the recorded decisions."""


@command.command("path")
@json_option
def path(as_json: bool) -> int:
    """Print the directory of the store."""
    if as_json:
        print_json({"path": str(store.root()), "records": len(store.load_all())})
    else:
        click.echo(store.root())
    return 0


@command.command("export")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the terminal.")
@click.option("--all-machines", is_flag=True, help="Also what was recorded on other machines.")
@json_option
def export(output: Path | None, all_machines: bool, as_json: bool) -> int:
    """Write the records as readable JSON, sorted, to be reviewed, shared or shipped."""
    hard = dict(fingerprint().hard)
    records = [r for r in store.load_all() if all_machines or r.provenance.hard == hard]
    if not records:
        click.echo("nothing is recorded; measure it: autotune calibrate", err=True)
        return NOTHING_RECORDED
    content = shipped.write_bundle(records, fingerprint().label)
    if output is None:
        sys.stdout.write(content.decode())
    else:
        try:
            output.write_bytes(content)
        except OSError as error:
            raise StoreError(f"{output}: cannot be written: {error.strerror}") from error
        if as_json:
            print_json({"records": len(records), "file": str(output), "machine": fingerprint().key})
        else:
            click.echo(f"{len(records)} records written to {output}")
    return 0


@command.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> int:
    """Add the records of an export: data only, validated, never executed."""
    records = merging.records_of(file)
    store.put(records)
    here = sum(record.provenance.hard == dict(fingerprint().hard) for record in records)
    if as_json:
        print_json({"imported": len(records), "for_this_machine": here})
    else:
        click.echo(f"{len(records)} records imported, {here} of them for this machine")
    return 0


@command.command("merge")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIRECTORY…")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def merge(sources: tuple[Path, ...], dry_run: bool, as_json: bool) -> int:
    """Add the records of exports and of other stores where they are better than what is recorded.

    Of two for the same kernel, arguments and machine a clean one is better than a contended one, and a newer one than
    an older one.
    """
    steps = merging.merge(sources, dry_run=dry_run)
    counts = {action: sum(step.action == action for step in steps) for action in ("added", "replaced", "kept")}
    if as_json:
        print_json({
            **counts, "dry_run": dry_run,
            "records": [
                {"kernel": step.record.kernel, "signature": step.record.signature, "from": step.origin,
                 "machine": step.record.provenance.label, "action": step.action, "reason": step.reason}
                for step in steps
            ],
        })  # fmt: skip
        return 0
    for step in steps:
        name = f"{step.record.kernel} [{describe_key(step.record.signature)}]"
        what = f"kept the own ({step.reason})" if step.action == "kept" else f"{step.action} ({step.reason})"
        click.echo(f"{name} on {step.record.provenance.label or 'an unnamed machine'}: {what}")
    would = "would be " if dry_run else ""
    click.echo(f"{would}added {counts['added']}, {would}replaced {counts['replaced']}, kept {counts['kept']}")
    return 0


@command.command("clear")
@click.argument("kernel", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def clear(kernel: str | None, yes: bool, as_json: bool) -> int:
    """Remove the records of one kernel (an id as in `autotune list --json`, or its short name), or all."""
    records = store.load_all()
    ids = sorted({record.kernel for record in records})
    wanted = None
    if kernel is not None:
        wanted = [known for known in ids if known == kernel or known.rpartition(":")[2] == kernel]
        if not wanted:
            click.echo(f"nothing is recorded for {kernel!r}; recorded: {', '.join(ids) or 'nothing'}", err=True)
            return NOTHING_RECORDED
    if not yes and as_json:
        raise click.UsageError("db clear --json does not ask: say --yes as well")
    if not yes:
        what = ", ".join(wanted) if wanted else f"all {len(records)} records"
        click.confirm(f"Remove {what} from {store.root()}?", abort=True)
    removed = sum(store.clear(name) for name in wanted) if wanted is not None else store.clear()
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"{removed} records removed")
    return 0
