"""A model that takes no time to train, written as the study writes one."""

from __future__ import annotations

import numpy as np

from durhampulse.creators.reading import read_creators
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.shapley import draw_background
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.neighbours import learn_neighbours
from durhampulse.features.peers import learn_peers
from durhampulse.models.classifiers import CLASSIFIERS, fit
from durhampulse.models.fitted import FittedModel
from durhampulse.scoring.artifact import write_model
from durhampulse.scoring.scorer import Scorer, load_model


def write_logistic(source, folder, **options) -> Scorer:
    """The scorer of a logistic regression on a table's labelled rows."""
    creators = read_creators(source, **options)
    rows = creators.labelled
    encoding = learn_encoding(rows, creators.features)
    X, y = encoding.transform(rows), rows["Sponsorship_Status"].to_numpy(np.float64)
    weights = fit(next(iter(CLASSIFIERS)), X, y, random_state=0)
    write_model(
        folder,
        FittedModel("Logistic", encoding, weights).with_precedent(rows),
        facts={},
        card="# card\n",
        peers=learn_peers(rows),
        thresholds=Thresholds(),
        background=draw_background(rows, encoding),
        train=rows,
        creators=creators,
        neighbours=learn_neighbours(encoding, rows),
    )
    return load_model(folder)
