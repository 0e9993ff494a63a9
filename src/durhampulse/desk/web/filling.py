"""A page's form filled in again as it was sent, with what is wrong at its field.

The page is made as ever and then rewritten, as ``htmlfill`` of FormEncode does, so that every form
comes back without a line in its template.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

from starlette.responses import Response

from durhampulse.exceptions import DurhamPulseError

__all__ = ["Sent", "fill_form", "fill_in"]

Sent = Sequence[tuple[str, str]]
"""Names and values of a form's fields, in their order."""

_FRESH = ("csrf", "request_name", "seen", "back", "review", "place", "previewed")
"""Hidden fields that differ from one page to the next; any other tells forms apart."""
_NEVER = ("hidden", "password", "file", "submit", "button", "image", "reset")
_TICKED = ("checkbox", "radio")


@dataclass(kw_only=True)
class _Tag:
    """A start tag, and where it stands in the page."""

    name: str
    given: dict[str, str | None]
    start: int
    end: int
    around: tuple[_Tag, ...] = ()
    closed_at: int = -1
    closed_end: int = -1
    changed: bool = False

    def set(self, **changes: str | bool) -> None:
        """Set attributes: True for one without a value, False for none at all."""
        for name, value in changes.items():
            self.given.pop(name, None)
            if value is not False:
                self.given[name] = None if value is True else str(value)
        self.changed = True

    @property
    def text(self) -> str:
        """The tag as it is written now."""
        written = "".join(
            f" {name}" if value is None else f' {name}="{escape(value)}"'
            for name, value in self.given.items()
        )
        return f"<{self.name}{written}>"

    def value(self, name: str) -> str:
        """Return an attribute's value; empty where there is none."""
        return self.given.get(name) or ""

    def inside(self, name: str) -> _Tag | None:
        """Return the nearest element of that name around this one."""
        return next((tag for tag in reversed(self.around) if tag.name == name), None)


class _Page(HTMLParser):
    """All start tags that forms are made of, with their places."""

    _KEPT = ("form", "fieldset", "legend", "details", "label", "select", "option", "textarea")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[_Tag] = []
        self._open: list[_Tag] = []
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.feed(text)

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag that a form is made of."""
        if tag not in ("input", "button", *self._KEPT):
            return
        start = self._place()
        kept = _Tag(
            name=tag, given=dict(attrs), start=start,
            end=start + len(self.get_starttag_text() or ""), around=tuple(self._open),
        )  # fmt: skip
        self.tags.append(kept)
        if tag in self._KEPT:
            self._open.append(kept)

    def handle_endtag(self, tag: str) -> None:
        """Close the latest open tag of that name."""
        at = next((i for i in reversed(range(len(self._open))) if self._open[i].name == tag), None)
        if at is not None:
            closed = self._open[at]
            closed.closed_at = self._place()
            closed.closed_end = closed.closed_at + len(f"</{tag}>")
            del self._open[at:]


@dataclass(kw_only=True)
class _Form:
    """A form, and the controls that belong to it wherever they stand."""

    tag: _Tag
    controls: list[_Tag] = field(default_factory=list)

    def named(self, name: str) -> list[_Tag]:
        """Return the controls of a name that people see."""
        return [tag for tag in self.controls
                if tag.value("name") == name and tag.value("type") != "hidden"]  # fmt: skip


def fill_form(
    page: str, action: str, sent: Sent, error: DurhamPulseError, *, kept: bool = False
) -> str | None:
    """Return a page whose form is filled in as it was sent, with the message at the wrong field.

    Parameters
    ----------
    page
        As it is made for a first look.
    action
        The path the form was sent to.
    sent
        What was sent. Passwords, files and hidden fields stay as the page has them.
    error
        What is wrong, what to write instead, and in which field. The message stands at the form's
        head where it has none of that name.
    kept
        Whether the page shows something all the same, as the list does without a wrong filter.

    Returns
    -------
    str or None
        None where the page has no such form, or has it for something else by now.
    """
    tags = _Page(page).tags
    forms = [form for form in _forms(tags, action) if _is_same(form, dict(sent))]
    if not forms:
        return None
    form = max(forms, key=lambda form: (bool(form.named(error.field)), len(form.controls)))
    edits = [edit for tag in form.controls for edit in _fill(page, tag, sent, tags)]
    number = 1 + page.count('id="wrong-form-')
    edits.append(_place_message(form, tags, error, f"wrong-form-{number}"))
    title = re.search("<title>", page)
    edits += [(title.end(), title.end(), "Look again: ")] if title and not kept else []
    edits += [(tag.start, tag.end, tag.text) for tag in tags if tag.changed]
    for start, end, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        page = page[:start] + text + page[end:]
    return page


def fill_in(page: Response, action: str, sent: Sent, error: DurhamPulseError) -> Response:
    """Return a page as :func:`fill_form` does, with the status and headers it has."""
    filled = fill_form(bytes(page.body).decode(), action, sent, error)
    headers = {"cache-control": "no-store"}
    return Response(filled, page.status_code, headers, page.media_type) if filled else page


def _forms(tags: list[_Tag], action: str) -> list[_Form]:
    """Return the forms that are sent to a path, or that a button sends there."""
    forms = {id(tag): _Form(tag=tag) for tag in tags if tag.name == "form"}
    by_name = {form.tag.value("id"): form for form in forms.values()}
    wanted = {key for key, form in forms.items() if _path(form.tag.value("action")) == action}
    for tag in tags:
        if tag.name not in ("input", "button", "select", "textarea"):
            continue
        around = tag.inside("form")
        owner = by_name.get(tag.value("form")) if "form" in tag.given else None
        owner = owner or (forms[id(around)] if around else None)
        if owner is None:
            continue
        owner.controls.append(tag)
        if _path(tag.value("formaction")) == action:
            wanted.add(id(owner.tag))
    return [form for key, form in forms.items() if key in wanted]


def _path(address: str) -> str:
    return address.partition("?")[0]


def _is_same(form: _Form, sent: dict[str, str]) -> bool:
    """Whether a form is about what was sent: its hidden fields say the same."""
    return all(
        sent.get(tag.value("name"), tag.value("value")) == tag.value("value")
        for tag in form.controls
        if tag.value("type") == "hidden" and tag.value("name") not in _FRESH
    )


def _fill(page: str, tag: _Tag, sent: Sent, tags: list[_Tag]) -> list[tuple[int, int, str]]:
    """Set a control as it was sent; return the changes to the text around tags."""
    name, kind = tag.value("name"), tag.value("type")
    values = [value for key, value in sent if key == name]
    if not name or tag.name == "button" or kind in _NEVER or "disabled" in tag.given:
        return []
    if kind in _TICKED:
        tag.set(checked=(tag.value("value") or "on") in values)
    elif values and tag.name == "textarea":
        return [(tag.end, tag.closed_at, "\n" + escape(values[-1]))]
    elif values and tag.name == "select":
        for option in tags:
            if option.name == "option" and tag in option.around:
                option.set(selected=_worth(page, option) in values)
    elif values:
        tag.set(value=values[-1])
    return []


def _worth(page: str, option: _Tag) -> str:
    """Return what an option sends: its value, or else its text."""
    if "value" in option.given:
        return option.value("value")
    text = page[option.end :].partition("<")[0]
    return " ".join(unescape(text).split())


def _place_message(
    form: _Form, tags: list[_Tag], error: DurhamPulseError, number: str
) -> tuple[int, int, str]:
    """Point from the wrong field to the message, and return where the message goes."""
    wrong = form.named(error.field) if error.field else []
    way_out = f" {escape(error.way_out)}" if error.way_out else ""
    again = any(tag.value("type") == "file" for tag in form.controls)
    way_out += " Choose the file once more." if again else ""
    label = f"{error.field.replace('_', ' ')}: " if wrong and error.field else ""
    text = f"<strong>{escape(error.problem.removeprefix(label))}</strong>{way_out}"
    for tag in tags:
        if "autofocus" in tag.given and "aria-invalid" not in tag.given:
            tag.set(autofocus=False)
    for outer in (wrong[0] if wrong else form.tag).around:
        if outer.name == "details":
            outer.set(open=True)
    if not wrong:
        box = (
            f'<div class="warning" role="alert" id="{number}" tabindex="-1" autofocus>{text}</div>'
        )
        return form.tag.end, form.tag.end, box
    for tag in wrong:
        tag.given |= {"aria-invalid": "true", "aria-describedby": number}
    wrong[0].set(autofocus=True)
    place = _after(wrong[0], tags)
    return place, place, f'<span class="wrong" role="alert" id="{number}">{text}</span>'


def _after(tag: _Tag, tags: list[_Tag]) -> int:
    """Return the place behind a control, its label, or the legend of its group."""
    group = tag.inside("fieldset")
    if tag.value("type") in _TICKED and group is not None:
        legends = [tag.closed_end for tag in tags if tag.name == "legend" and group in tag.around]
        return legends[0] if legends else group.end
    label = tag.inside("label")
    return max((label or tag).closed_end, tag.closed_end, tag.end)
