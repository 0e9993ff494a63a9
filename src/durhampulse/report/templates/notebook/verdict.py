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
