# %% [markdown]
# # Part C: a deep learning model
# ## C1. Build the MLP with Keras
#
# Input layer, Dense(64, relu), Dropout(0.3), Dense(32, relu) and a sigmoid unit; the loss is
# binary cross-entropy, the metric accuracy. A network's plan says how much dropout follows each
# hidden layer; where it is 0 no layer stands.

# %%
from durhampulse.models.mlp import build_mlp, train_mlp

print(study.MLP)
show_source(build_mlp)

# %%
build_mlp(X_train.shape[1], study.MLP).summary()

# %% [markdown]
# ## C2. Train and visualise
#
# 30 epochs, with a fifth of the training part held out for validation. The curves show the network
# as it would be used: with dropout off, after each epoch.

# %%
show_source(train_mlp)

# %%
c2 = study.train_network(b1, study.MLP)
plots.curves(c2)
show(c2.curves.tail(3))

# %% [markdown]
# ## C3. Compare with the baseline
#
# Both models on the same test rows, the network from five seeds, so that no answer hangs on one
# training. A paired bootstrap draws creators and trainings. Did deep learning improve results? Why
# or why not?

# %%
c3 = study.compare_with_baseline(b1, b2, c2)
print(f"{c2.plan.name} (first) against {c3.baseline} (second), mean of {len(c3.runs)} trainings")
show(c3.difference)

# %%
plots.models(c3.tested, ("accuracy", "f1", "log_loss"))
say(networks.deep_learning(c3, b2, judged))

# %%
plots.ranking(c3.curves, c3.scores);
