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
