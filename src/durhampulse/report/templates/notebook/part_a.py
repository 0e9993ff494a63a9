# %% [markdown]
# # Part A: exploratory data analysis
# ## A1. Load and inspect the dataset
#
# First the table as its file holds it: shape, columns, types, null values and the first rows.

# %%
from durhampulse.study import cleaning

raw_table = cleaning.as_found(a1.creators.source)
print("shape:", raw_table.shape)
show(cleaning.raw_overview(raw_table))

# %%
raw_table.head()

# %% [markdown]
# Then every irregularity: what it is, where it stands, how it is explained and what was done about
# it. Nothing is repaired without a line in this ledger.

# %%
show(a1.irregularities)

# %%
say(words.inspection(a1), words.growth_unit(a1), words.letters(a1.creators))

# %% [markdown]
# The null values, from the file to the table, and whether they go with the outcome.

# %%
show(cleaning.missing_cells(creators))

# %%
show(cleaning.missing_by_outcome(creators))
say(words.nulls(creators))

# %% [markdown]
# The same columns once they are read, and the first rows:

# %%
show(a1.columns)

# %%
a1.head

# %% [markdown]
# ## A2. Visual and statistical insights
#
# How is the target distributed, and which features go with it? All features are ranked on one
# scale: the ROC AUC of the feature alone, its shares of deals learned on other creators. Beside it
# stands the measure that suits its type: for numbers the rank-biserial correlation (the share of
# pairs in which the creator with a deal has the higher value, less the share in which it is lower),
# for categories Cramér's V. p-values are Holm's.

# %%
a2 = study.explore(creators)
plots.target(a2.target)
say(words.target(a2))

# %%
show(a2.associations)

# %%
plots.associations(a2.associations);

# %% [markdown]
# One feature that is correlated with the target, and what it says:

# %%
plots.groups(a2.by_group, a2.feature, outcome=creators.outcome)
say(words.feature(a2))

# %%
if not a2.histograms.empty:
    plots.histograms(a2.histograms);

# %%
plots.correlations(a2.correlations);
