# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Who gets the sponsorship deal?
#
# Brands cannot open every profile of the thousands of creators who apply. This notebook learns
# from past outcomes which creators are likely to get a sponsorship deal, from their profile, their
# engagement and the quality of their content, and ends with a table the marketing team can act on.
#
# Every sentence below an output that speaks of results is written from the numbers of this very
# run. All functions are those of the `durhampulse` package; `durhampulse study` runs this same
# notebook on any table.

# %%
from durhampulse import study
from durhampulse.report import advice, decisionplots, networks, plots, worth
from durhampulse.report import interpretation as words
from durhampulse.evaluation.metrics import score_table
from durhampulse.report.display import display, say, set_up, show, show_source

set_up()

# %% tags=["parameters"]
request = study.Request.from_json(r"""
{}
""")

# %% [markdown] tags=["simulated"]
# **The data of this run are simulated.** No public table says which creators got a deal, so the
# package brings a market of its own: followers, engagement, growth and views follow published
# figures, and deals follow a documented probability. The cell below writes it to a file.

# %% tags=["simulated"]
from durhampulse.market.sampling import write_market

ceiling = write_market(request.source, rows=5_000, seed=request.seed)
say(
    f"On this simulated market nobody can do better than a ROC AUC of {ceiling.roc_auc:.3f} and a "
    f"log loss of {ceiling.log_loss:.3f}: the rest is chance."
)

# %% [markdown]
# # First: can these data be judged?
#
# Before any part is made of the table it is checked: are there enough outcomes of either kind, do
# the features say anything about them, and does a column give the answer away, because it was
# written after the outcome or copied from it? Each check has a code, a figure and a reason. A cheap
# model is compared with itself on permuted outcomes; no model of this study is trained yet.

# %%
a1 = study.load_and_inspect(request.source, request)
judged = study.judge(a1.creators, request, random_state=request.seed)
creators = judged.creators
say(*advice.verdict(judged), words.meaning(creators))

# %%
show(judged.verdict.frame())

# %%
if not judged.splits.empty:
    display(score_table(judged.splits))

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
# %% [markdown]
# # Part B: a machine learning baseline
# ## B1. Data preparation
#
# Categories are encoded (video quality in its order SD, HD, 4K; niches one column each, rare ones
# together), skewed numbers go on a logarithmic scale, all numbers are normalised, and missing ones
# are filled with the median beside a column that says so. The split is 80/20 and stratified, rows
# of one creator stay on one side, and everything is learned on the training part alone.

# %%
b1 = study.prepare(creators, random_state=request.seed)
X_train, X_test, y_train, y_test = b1.X_train, b1.X_test, b1.y_train, b1.y_test
print(
    "X_train",
    X_train.shape,
    "X_test",
    X_test.shape,
    "y_train",
    y_train.shape,
    "y_test",
    y_test.shape,
)
say(words.preparation(b1))
X_train.head()

# %% [markdown]
# The encoder and the scaler at work: what each column becomes, the means and levels learned, and
# three creators before and after.

# %%
from durhampulse.features.codes import NumberCode, learn_levels, learn_numbers
from durhampulse.report.encoded import before_and_after, encoding_table

show(encoding_table(b1.encoding))

# %%
before_and_after(b1)

# %%
show_source(study.prepare)

# %%
show_source(learn_numbers)

# %%
show_source(NumberCode.pieces)

# %%
show_source(learn_levels)

# %% [markdown]
# ## B2. Build the models
#
# Three classifiers of different families. Each is cross-validated on the training part; the one
# with the lowest log loss becomes the baseline. All are scored on the test part, here and later,
# but nothing is ever chosen on it. The first column, the base rate alone, shows what knowing
# nothing about a creator achieves; where it lies beyond a chart's scale an arrow says where.

# %%
from durhampulse.models.classifiers import build_boosting, build_forest, build_logistic

show_source(build_logistic)

# %%
show_source(build_forest)

# %%
show_source(build_boosting)

# %%
show_source(study.compare_classifiers)

# %%
b2 = study.compare_classifiers(b1)
say("Cross-validated on the training part, with 95% bootstrap intervals:")
score_table(b2.cross_validated)

# %%
say("Scored on the test part:")
score_table(b2.tested)

# %%
judged = study.ask_again(judged, b1, b2)
plots.models(b2.tested)
say(words.baseline_choice(b2, judged), *advice.too_good(judged))

# %%
plots.ranking(b2.curves, b2.tested);

# %% [markdown]
# ## B3. Interpretation
#
# The baseline's confusion matrix on the test part, and what it means.

# %%
b3 = study.read_confusion(b1, b2)
plots.confusion(b3.table)
say(words.confusion(b3, judged))

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

# %% [markdown]
# # Part E: report to the marketing team
#
# The model that decides is a blend of gradient boosting and networks, or logistic regression on
# splines where that does as well. Its weights are learned out of fold, which calibrates it. Each
# creator has a 90% interval for the true probability, a mark where another band may well be the
# true one, and reasons. The table holds the creators the models did not train on and all whose
# outcome is not known yet.

# %%
from durhampulse.models.champion import train_champion
from durhampulse.report.tables import brief_table

show_source(train_champion)

# %%
e = study.decide(
    b1, b2, judged, thresholds=request.thresholds, promise=request.promise,
    keep_identifiers=request.keep_identifiers,
)
say(worth.champion_choice(e), advice.rule(e, judged))
show(brief_table(e.table))

# %%
say(*advice.decision(e, judged))

# %% [markdown]
# Are the probabilities true to what happened? Measured on the test part, by band and in ten groups
# of equal size; below, by niche and by tier.

# %%
decisionplots.bands(e.hit_rates, outcome=creators.outcome)
show(e.hit_rates)

# %% [markdown]
# What if the team chose from another probability on?

# %%
show(e.sweep)
say(worth.lower_threshold(e))

# %%
decisionplots.reliability(e.reliability, outcome=creators.outcome)
say(worth.calibration(e))

# %% [markdown]
# The same for the three classifiers of B2 beside the model that decides. A classifier may rank well
# and still say too much or too little; log loss, by which the baseline was chosen, sees both.

# %%
tested = e.calibration_errors.query("measured_on == 'test part'")
decisionplots.calibrations(e.calibrations, tested, outcome=creators.outcome)
show(e.calibration_errors)
say(worth.calibrations(e, b2))

# %%
decisionplots.gain(e.gain, outcome=creators.outcome)
show(e.invitations)

# %% [markdown]
# Would more past outcomes help? The simple model and boosting, learned from more and more of the
# training part and measured on the test part; each difference is to the row above.

# %%
show(e.learning)
say(worth.more_rows(e, judged))

# %%
if not e.groups.empty:
    decisionplots.group_calibration(e.groups, outcome=creators.outcome)
say(worth.groups(e))

# %% [markdown]
# Why are creators where they are? Shapley values share a creator's log-odds among the columns, and
# become reasons in words.

# %%
decisionplots.importance(e.explanation.importance())
say(worth.explanation(e, judged), worth.alone_and_together(a2, e))

# %%
decisionplots.dependence(e.explanation.dependence(b1.test))
say(worth.interaction(e, b1.test))

# %%
reasons = ["Sponsorship Recommendation", "Reasons For", "Reasons Against", "Not Known", "Flags"]
show(e.table.set_index("Influencer ID").groupby(reasons[0], sort=False).head(3)[reasons])

# %% [markdown]
# What became of past creators like a few of these?

# %%
from durhampulse.report import lookalikes

decisionplots.lookalikes(e.alike, outcome=creators.outcome)
say(lookalikes.sentence(e))
show(lookalikes.nearest(e))

# %% [markdown]
# A past *no deal* may mean that nobody looked. What if a share of suitable creators had never been
# looked at? An assumption; the order of the creators does not depend on it.

# %%
from durhampulse.report import overlooked

say(*overlooked.sentences(e, judged))
show(overlooked.shares(e, judged))

# %%
show(overlooked.budgets(e, judged))

# %% [markdown]
# What this table cannot say:

# %%
limits = advice.limits(a1.creators.source.simulated, words.outcome_of(creators))
say(*(f"- {sentence}" for sentence in limits))

# %% [markdown]
# Report, decision table, ledger, pictures and the model, written to the study folder:

# %%
from durhampulse.report.folder import write_study

whole = study.Study(
    a1=a1, judged=judged, a2=a2, b1=b1, b2=b2, b3=b3, c2=c2, c3=c3, d1=d1, d2=d2, e=e
)
for name in write_study(whole, "."):
    print(name)
