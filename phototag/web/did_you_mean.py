"""A new name that is nearly an old one: the form comes back with the question whom it is meant for."""

from __future__ import annotations

from starlette.responses import Response

from phototag.web.app_state import RequestContext
from phototag.workflows.naming.near_names import resembled

#: Faces of the answer that are shown with the question.
_SHOWN = 12


def ask_if_near(context: RequestContext) -> Response | None:
    """The page that asks whether the form's name is meant for somebody else; None if there is no doubt.

    It brings all that the form said along. Raises UsageError for what can't be a name.
    """
    form = context.form
    nearly = None if form.text("meant") else resembled(context.store, form.text("name"))
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
    """The name that the form gives, or the one that it nearly is and that was said to be meant."""
    typed = context.form.text("name")
    nearly = resembled(context.store, typed) if context.form.text("meant") == "old" else None
    return nearly.name if nearly else typed
