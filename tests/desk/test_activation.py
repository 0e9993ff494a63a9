"""Putting another model in force."""

from __future__ import annotations

from datetime import timedelta

from durhampulse.desk.models.catalogue import add_model
from tests.desk.conftest import broken


def test_activation_switches_after_all_are_scored(desk, visit, model_folder):
    first, other = desk.catalogue.current().version, add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    answer = ann.post("/model/activate", data={"csrf": ann.csrf, "version": "nonsense"})
    assert answer.status_code == 422
    assert "There is no model nonsense" in answer.text
    desk.worker.stop()
    assert ann.post("/model/activate", data={"csrf": ann.csrf, "version": other}).status_code == 303
    assert "Scoring all creators with" in ann.get("/model").text
    again = ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    assert "Wait until it decides" in again.text
    assert "hx-refresh" not in ann.get("/model/progress").headers
    assert desk.catalogue.current().version == first
    assert desk.worker.work()
    assert ann.get("/model/progress").headers["hx-refresh"] == "true"
    assert desk.catalogue.current().version == other
    assert "597 creators were scored with it" in ann.get("/model").text


def test_failed_activation_changes_nothing(desk, visit, model_folder, monkeypatch, caplog):
    first, other = desk.catalogue.current().version, add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    desk.worker.stop()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    monkeypatch.setattr("durhampulse.desk.imports.worker.activate", broken)
    assert desk.worker.work()
    assert "log says why" in ann.get("/model").text
    assert "worn out" in caplog.text
    assert desk.catalogue.current().version == first
    monkeypatch.undo()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    assert desk.worker.work()
    assert desk.catalogue.current().version == other


def test_activation_that_ends_while_the_page_is_made_is_shown(
    desk, visit, model_folder, monkeypatch
):
    other = add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    desk.worker.stop()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    current = desk.catalogue.current

    def just_before(db=None):
        rules = current(db)
        monkeypatch.setattr(desk.catalogue, "current", current)  # which the activation asks too
        for _ in range(5):  # as the worker's thread does while there is something to do
            if desk.worker.activation.under_way:
                desk.worker.work()
        return rules

    monkeypatch.setattr(desk.catalogue, "current", just_before)
    assert "Scoring all creators with" in ann.get("/model").text
    monkeypatch.undo()
    assert ann.get("/model/progress").headers["hx-refresh"] == "true"
    assert "were scored with it" in ann.get("/model").text
    desk.worker.activation.ended_at -= timedelta(hours=1)
    assert "were scored with it" not in ann.get("/model").text
