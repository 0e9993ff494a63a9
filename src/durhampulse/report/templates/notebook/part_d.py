# %% [markdown]
# # Part D: regularisation, and a CNN
# ## D1. Dropout and L2
#
# The same network with Dropout(0.3) after both hidden layers and an L2 penalty on the weights of
# both, trained again. The old curves (C1) stand above the new ones, on the same scale.

# %%
print(study.REGULARISED)
build_mlp(X_train.shape[1], study.REGULARISED).summary()

# %%
d1 = study.train_network(b1, study.REGULARISED)
plots.curves(c2, d1)
show(d1.curves.tail(3))

# %% [markdown]
# ## D2. The effect
#
# The new network (D1) against the old one (C1), seed by seed, and a third without any
# regularisation to show what there is to reduce. All are judged after their last epoch, on binary
# cross-entropy without the L2 penalty and with dropout off: Keras's own training loss holds both,
# and would mislead. Did regularization reduce overfitting? How do you know?

# %%
d2 = study.measure_regularisation(b1, *c3.runs, d1)
show(d2.runs)

# %%
print("new (first) against old (second) on the test part, mean of the seeds")
show(d2.difference)

# %%
plots.gaps(d2.curves)
say(networks.regularisation(d2, judged))

# %% [markdown]
# ## D3. A thought experiment: a CNN
#
# What if pictures of the creators' content were at hand? First which pictures, and why.

# %%
say(networks.cnn_images())

# %% [markdown]
# A simple architecture (code only; it is built and takes a training step in the package's tests):

# %%
from durhampulse.models.cnn import build_cnn

show_source(build_cnn)

# %% [markdown]
# And what would its Conv2D filters detect?

# %%
say(networks.cnn_filters())
