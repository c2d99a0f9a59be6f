"""The question "Did you mean Ada?" for a new name that is nearly a known one."""

from __future__ import annotations

from starlette.responses import Response

from phototag.web.request_context import RequestContext
from phototag.workflows.naming.near_names import similar_person

#: Faces that are shown with the question, at most.
_SHOWN = 12


def ask_if_near(context: RequestContext) -> Response | None:
    """The page that asks whether the form's name is a known person mistyped; None if no known name is near.

    Its form repeats all fields of the first one. Raises UsageError for an invalid name.
    """
    form = context.form
    nearly = None if form.text("meant") else similar_person(context.store, form.text("name"))
    if nearly is None:
        return None
    faces = form.numbers("face")
    return context.page(
        "did_you_mean.html",
        nearly=nearly,
        typed=form.text("name"),
        fields=[(name, value) for name, value in form if name not in ("token", "name", "say", "meant")],
        say=form.text("say"),
        faces=faces[:_SHOWN],
        total=len(faces),
        url=form.text("back"),
    )


def chosen_name(context: RequestContext) -> str:
    """The name in the form, or the known name near it if the user said that they meant that one."""
    typed = context.form.text("name")
    nearly = similar_person(context.store, typed) if context.form.text("meant") == "old" else None
    return nearly.name if nearly else typed
