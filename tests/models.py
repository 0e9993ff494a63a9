"""A model that takes no time to train, written as the study writes one."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from durhampulse.creators.reading import read_creators
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.shapley import draw_background
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.neighbours import learn_neighbours
from durhampulse.features.peers import learn_peers
from durhampulse.features.profile import learn_profile
from durhampulse.models.classifiers import CLASSIFIERS, fit
from durhampulse.models.fitted import FittedModel
from durhampulse.scoring.artifact import write_model
from durhampulse.scoring.folder import MANIFEST, sealed
from durhampulse.scoring.model import StoredModel
from durhampulse.scoring.scorer import Scorer, load_model


def write_logistic(source, folder, **options) -> Scorer:
    """The scorer of a logistic regression on a table's labelled rows."""
    creators = read_creators(source, **options)
    rows = creators.labelled
    encoding = learn_encoding(rows, creators.features)
    X, y = encoding.transform(rows), rows["Sponsorship_Status"].to_numpy(np.float64)
    weights = fit(next(iter(CLASSIFIERS)), X, y, random_state=0)
    model = FittedModel(name="Logistic", encoding=encoding, weights=weights).with_precedent(rows)
    write(folder, model, rows, creators)
    return load_model(folder)


def write(folder, model, rows, creators, **facts):
    """Write a fitted model as a study does, with what its training rows tell beside it."""
    write_model(
        folder,
        StoredModel(
            model=model,
            peers=learn_peers(rows),
            thresholds=Thresholds(),
            profile=learn_profile(rows[model.encoding.columns]),
            rules=creators.rules,
            background_rows=draw_background(rows, model.encoding),
            neighbours=learn_neighbours(model.encoding, rows),
        ),
        facts=facts,
        card="# card\n",
        train=rows,
        source=creators.source,
    )


def edit(folder, **changes):
    """Change parts of a folder's manifest, and its seal with them, as an author could."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps(sealed({**manifest, **changes})), encoding="utf-8")


def replace_file(folder, name, blob):
    """Alter a file of a folder and put its new hash into the manifest."""
    (folder / name).write_bytes(blob)
    files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    entry = {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    edit(folder, files={**files, name: entry})
