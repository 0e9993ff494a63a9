"""Several models as one: networks trained side by side, and blends of any."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from durhampulse.models.mlp import NetworkPlan, batch_size, build_mlp, share_compiled_steps
from durhampulse.models.weights import DenseNetwork, LogOdds, Weights

__all__ = ["Blend", "train_networks"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Blend(LogOdds):
    """A weighted sum of other models' log-odds (stacked generalisation, Wolpert 1992).

    Attributes
    ----------
    members
        The models.
    coef
        Weight of each, shape (n_members,).
    intercept
        Shape (1,).
    """

    members: tuple[Weights, ...]
    coef: Floats
    intercept: Floats

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of a deal, shape (n_rows,)."""
        total = np.full(len(X), self.intercept[0], dtype=X.dtype)
        for weight, member in zip(self.coef, self.members, strict=True):
            total += weight * member.decision_function(X)
        return total


def train_networks(
    X: Floats,
    y: Floats,
    plan: NetworkPlan,
    *,
    members: int = 3,
    epochs: int = 30,
    random_state: int = 0,
    sample_weight: Floats | None = None,
) -> tuple[DenseNetwork, ...]:
    """Train networks of one plan that differ in their first weights and in dropout.

    Small networks spend most of their training time between steps, so the networks are branches
    of one model and take each step together.

    Parameters
    ----------
    X
        Encoded features, shape (n_rows, n_features).
    y
        Outcomes 0 or 1, shape (n_rows,).
    plan
        Which network.
    members
        How many of them.
    sample_weight
        How much each row counts, shape (n_rows,); as much as the others if not given.
    """
    import keras

    share_compiled_steps()
    keras.utils.set_random_seed(random_state)
    # The loss is the members' mean, so each member's penalty counts for as much less.
    shared = replace(plan, l2=plan.l2 / members)
    branches = [build_mlp(X.shape[1], shared) for _ in range(members)]
    features = keras.Input(shape=(X.shape[1],))
    outputs = keras.layers.Concatenate()([branch(features) for branch in branches])
    model = keras.Model(features, outputs)
    model.compile(optimizer=keras.optimizers.Adam(0.002), loss="binary_crossentropy")
    targets = np.repeat(y[:, None], members, axis=1).astype(np.float32)
    model.fit(
        X.astype(np.float32),
        targets,
        # Of mean 1, so that steps are as long as without weights.
        sample_weight=None if sample_weight is None else sample_weight / sample_weight.mean(),
        epochs=epochs,
        batch_size=batch_size(len(y)),
        verbose=0,
    )
    return tuple(DenseNetwork.from_keras(branch) for branch in branches)
