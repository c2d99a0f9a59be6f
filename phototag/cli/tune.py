"""`phototag tune`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted
from phototag.errors import UsageError


@click.command(short_help="See what each precision would tag.")
@click.argument("precisions", nargs=-1, type=float, metavar="[SHARE]…")
@options.database
@options.as_json
def tune(precisions: tuple[float, ...], db: Path | None, as_json: bool) -> None:
    """Show how many faces each precision would tag, and how many of the tags should be wrong. Changes nothing.

    \b
    phototag tune
    phototag tune 0.97 0.9975
    """
    from phototag.workflows.recognition.tune import CHOICES
    from phototag.workflows.recognition.tune import tune as job

    if not all(0 < precision < 1 for precision in precisions):
        raise UsageError("a precision is a share between 0 and 1, such as 0.995")
    with options.store(db, write=False) as store:
        done = job(store, options.progress(as_json), precisions or CHOICES)
    lines = ["precision    tagged    wrong, about    people    sure from"]
    for choice in done.choices:
        sure = f"{choice.sure_from:.3f}" if choice.sure_from is not None else "-"
        mark = "  as set" if choice.precision == done.precision else ""
        wrong = "?" if choice.wrong is None else f"{choice.wrong:.1f}"
        lines.append(f"{choice.precision:>9}{choice.tagged:>10,}{wrong:>16}{choice.people:>10,}{sure:>13}{mark}")
    lines.append(
        "There are not enough names yet to tell how many of these tags would be wrong."
        if done.known is None
        else f"Of {counted(done.faces, 'unnamed face')} about {done.known:,.0f} are of people whom you named. "
        f"Measured on {counted(done.calibrated_on, 'guess', 'guesses')} about your own named faces."
    )
    lines.append("Set one with `phototag train --precision SHARE`, then `phototag tag`.")
    options.show(asdict(done), "\n".join(lines), as_json)
