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
