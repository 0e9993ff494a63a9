"""Forms of pages, filled in as a browser would send them."""

from __future__ import annotations

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, name):
        super().__init__()
        self.name, self.inside, self.select, self.fields = name, False, None, {}

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.inside = given.get("id") == self.name
        if not self.inside:
            return
        if tag == "input" and given.get("type") != "checkbox":
            self.fields[given["name"]] = given.get("value", "")
        if tag == "select":
            self.select = given["name"]
        if tag == "option" and (self.select not in self.fields or "selected" in given):
            self.fields[self.select] = given["value"]

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


def fields_of(page, name="understood"):
    """Give the fields of a page's form by the form's id, as they would be sent untouched."""
    reader = _Fields(name)
    reader.feed(page)
    return reader.fields
