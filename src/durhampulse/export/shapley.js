/** Why a creator is where they are: exact Shapley values of the log-odds, over all coalitions. */
const MOST_COLUMNS = 7;

const choose = (n, k) => {
  let total = 1;
  for (let i = 1; i <= k; i += 1) total = (total * (n - k + i)) / i;
  return total;
};

/**
 * Each column's effect, in log-odds, where unknown columns are those of other creators.
 *
 * @param {Object} row - A creator who is read.
 * @param {Array} background - The creators who stand for unknown columns, read too.
 * @returns {Array} column, effect and `without`, the probability if that alone were not known; the
 *   columns that are not known are left out; null where there are too many columns for this.
 */
function effectsOf(model, row, background) {
  const columns = model.inputs.map((input) => input.column);
  const n = columns.length;
  if (n > MOST_COLUMNS) return null;
  const logit = (mixed) =>
    MODELS[model.model.kind](model.model, encode(model, mixed, model.limit));
  const effects = new Array(n).fill(0);
  const whole = logit(row);
  for (let known = 0; known < 2 ** n; known += 1) {
    const inside = columns.map((_, at) => Math.floor(known / 2 ** at) % 2 === 1);
    const size = inside.filter(Boolean).length;
    let gain = whole;
    if (size < n) {
      gain = 0;
      for (const other of background) {
        const mixed = {};
        columns.forEach((column, at) => {
          mixed[column] = inside[at] ? row[column] : other[column];
        });
        gain += logit(mixed) / background.length;
      }
    }
    columns.forEach((_, at) => {
      if (inside[at]) effects[at] += gain / (n * choose(n - 1, size - 1));
      else effects[at] -= gain / (n * choose(n - 1, size));
    });
  }
  return columns
    .map((column, at) => ({ column, effect: effects[at], without: sigmoid(whole - effects[at]) }))
    .filter(({ column }) => !isMissing(row[column]));
}
