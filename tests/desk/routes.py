"""All routes of the desk, with the role that each needs."""

from __future__ import annotations

OURS = (
    "creators",
    "notes",
    "reviews",
    "outcomes",
    "reminders",
    "campaigns",
    "deliverables",
    "lists",
    "views",
    "selection",
    "bulk",
)


OPEN = {
    "/",
    "/sign-in",
    "/sign-in/second",
    "/sign-in/provider",
    "/sign-in/provider/callback",
    "/welcome/{token}",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/r/{token}",
    "/r/{token}/colour.css",
}
"""What anybody may ask for."""


NEEDS = {
    "GET": {
        "viewer": ["/shortlist", "/shortlist/totals", "/shortlist/chosen", "/shortlist/facets",
                   "/shortlist/counts", "/shortlist/reasons", "/creators/{number}/panel", "/keyboard",
                   "/lists", "/views/{number}", "/bulk/{number}", "/bulk/{number}/progress",
                   "/shortlist/export/{kind}", "/creators/{number}",
                   "/creators/{number}/what-if", "/imports", "/imports/{number}",
                   "/imports/{number}/progress", "/imports/{number}/refused", "/campaigns",
                   "/campaigns/{number}", "/campaigns/{number}/export/{kind}", "/model", "/model/progress",
                   "/model/preview", "/thresholds", "/pipeline",
                   "/outcomes", "/acts", "/account", "/account/second", "/rooms", "/rooms/{number}",
                   "/campaigns/{number}/frontier", "/then"],
        "reviewer": ["/queue", "/today", "/opinions", "/imports/{number}/undo", "/campaigns/{number}/difference",
                     "/outcomes/files/{number}"],
        "admin": ["/creators/{number}/everything", "/hooks", "/people", "/audit", "/audit/log.jsonl"],
    },
    "POST": {
        "viewer": ["/sign-out", "/account/sessions/{number}/end",
                   "/account/sessions/end", "/account/password", "/account/second",
                   "/account/second/confirm", "/account/second/codes", "/account/second/end"],
        "reviewer": ["/bulk", "/bulk/start", "/bulk/{number}/stop", "/lists", "/lists/members",
                     "/lists/{number}", "/lists/{number}/delete", "/views", "/views/{number}",
                     "/views/{number}/delete", "/shortlist/decide", "/shortlist/owner", "/creators/{number}/decide", "/creators/{number}/outcome",
                     "/creators/{number}/owner", "/creators/{number}/reminders", "/reminders/{number}", "/today/done", "/today/later", "/today/undo", "/today/seen", "/today/unseen",
                     "/creators/{number}/remark", "/creators/{number}/remark/delete",
                     "/creators/{number}/outcome/withdraw", "/queue/decide", "/queue/undo",
                     "/queue/release", "/acts/{number}/undo", "/imports",
                     "/imports/{number}/read", "/imports/{number}/afresh",
                     "/imports/{number}/check", "/imports/{number}/confirm",
                     "/imports/{number}/drop", "/imports/{number}/columns",
                     "/imports/{number}/undo", "/campaigns", "/campaigns/{number}",
                     "/campaigns/{number}/choose", "/campaigns/{number}/delete", "/campaigns/add",
                     "/campaigns/{number}/propose", "/campaigns/{number}/state", "/outcomes",
                     "/outcomes/files/{number}/record", "/outcomes/files/{number}/drop",
                     "/rooms", "/rooms/{number}", "/rooms/{number}/close",
                     "/campaigns/{number}/budget", "/campaigns/{number}/deliverables", "/campaigns/{number}/deliverables/due", "/deliverables/{number}", "/opinions/{number}", "/queue/enough"],
        "admin": ["/hooks", "/hooks/{number}", "/thresholds", "/opinions/share", "/creators/{number}/erase", "/model/activate", "/model/preview",
                  "/model/preview/discard", "/people",
                  "/people/{number}", "/people/{number}/link", "/people/{number}/sessions/end", "/people/factor",
                  "/people/{number}/factor/end", "/people/{number}/identity", "/keys", "/keys/{number}/revoke"],
    },
}  # fmt: skip


def routes(app):
    """Give method and path of all routes, however they were included."""
    pairs = []

    def walk(some):
        for route in some:
            inner = getattr(route, "original_router", None) or getattr(route, "routes", None)
            if inner is not None and not hasattr(route, "methods"):
                walk(getattr(inner, "routes", inner))
            elif hasattr(route, "methods"):
                pairs.extend((method, route.path) for method in route.methods - {"HEAD"})

    walk(app.routes)
    return pairs


def filled_in(path):
    return path.replace("{number}", "3").replace("{kind}", "csv").replace("{name:path}", "x")
