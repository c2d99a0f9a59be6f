"""`phototag name`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from phototag.cli import did_you_mean, options
from phototag.cli.tag import tag_and_report, tagging_lines
from phototag.display import counted, printable
from phototag.errors import TooLittleDataError, UsageError


@click.command(short_help="Say who people are.")
@click.argument("group", type=int, required=False)
@click.argument("name", required=False)
@click.option("--no-images", is_flag=True, help="Show no faces in the terminal.")
@did_you_mean.new
@options.no_tag
@options.database
def name(group: int | None, name: str | None, no_images: bool, new: bool, no_tag: bool, db: Path | None) -> None:
    """Name people: answer one question after the other, or say at once that GROUP is NAME.

    The question that names most faces comes first. New names are tried on all other faces at once.

    \b
    phototag name
    phototag name 12 "Ada Lovelace"
    """
    from phototag.store import groups
    from phototag.workflows.naming.name import group_faces, left_out_sentence, name_group
    from phototag.workflows.recognition.refresh import refresh

    with options.store(db) as store:
        if not groups.exists(store):
            raise TooLittleDataError("there are no groups yet: run `phototag run FOLDER` first")
        if group is not None:
            if name is None:
                raise UsageError(f'say who group {group} is, as in `phototag name {group} "Ada Lovelace"`')
            refresh(store, options.progress(False), tag=not no_tag)
            members = group_faces(store, group)
            done = name_group(store, members, did_you_mean.intended_name(store, name, new=new))
            are = "is" if done.faces == 1 else "are"
            click.echo(f"{counted(done.faces, 'face')} of group {group} {are} {printable(done.person.name)}.")
            if done.left_out:
                click.echo(left_out_sentence(done))
            if not no_tag:
                tag_and_report(store)
            return
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError('naming asks questions on a terminal; elsewhere use `phototag name GROUP "NAME"`')
        from phototag.cli.interview import interview
        from phototag.workflows.naming.interview import InterviewSession
        from phototag.workflows.recognition.background import Tagger

        session = InterviewSession.open(store, options.progress(False), tag=not no_tag)
        tagged = interview(session, None if no_tag else Tagger(store.path), images=not no_images)
        for line in tagging_lines(tagged) if tagged else []:
            click.echo(line)
