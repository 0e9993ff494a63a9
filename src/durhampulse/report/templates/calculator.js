(function () {
  const model = prepare(MODEL);
  const background = BACKGROUND.map((cells) =>
    Object.fromEntries(model.inputs.map((input, at) => [input.column, cells[at] ?? (input.spelling ? null : NaN)])),
  );
  const SLIGHT = 0.05;
  /** Shares in percent with one decimal, cut so that they fit their band, and widened. */
  const below = (share) => `${(Math.floor(cut(share) * 1000 + 1e-9) / 10).toFixed(1)}%`;
  const above = (share) => `${(Math.ceil(cut(share) * 1000 - 1e-9) / 10).toFixed(1)}%`;
  /** A share in percent, rounded as Python does: an exact half to the even digit. */
  const percent = (share, digits = 1) => {
    const scaled = share * 100;
    const isHalf = (scaled * 2 * 10 ** digits) % 2 === 1 && (scaled * 8) % 1 === 0;
    return `${(isHalf ? rint(scaled * 10 ** digits) / 10 ** digits : scaled).toFixed(digits)}%`;
  };
  /** Four decimals, cut: a figure that is shown never contradicts its band. */
  const cut = (p) => {
    const units = rint(p * 1e4);
    return (units / 1e4 > p ? units - 1 : units) / 1e4;
  };
  /** With as many digits as tell it from the present one; empty where none do. */
  const apart = (now, without) => {
    const digits = [0, 1].find((each) => percent(now, each) !== percent(without, each));
    return digits === undefined ? "" : percent(without, digits);
  };
  const explain = (record) => {
    const { row, refusal } = readRow(record, model);
    const score = scoreRecord(model, record);
    return refusal ? score : { ...score, effects: effectsOf(model, row, background) };
  };
  if (typeof module === "object" && module.exports) {
    module.exports = { explain, score: explain };
    return;
  }
  const form = document.getElementById("calculator-form");
  const answer = document.getElementById("calculator-answer");
  const inputs = [...form.querySelectorAll("input")];

  const add = (parent, name, text) => {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  };

  const list = (title, now, all) => {
    const effects = all.map((each) => ({ ...each, text: apart(now, each.without) })).filter(({ text }) => text);
    if (!effects.length) return;
    add(answer, "h3", title);
    const items = add(answer, "ul", "");
    for (const { column, text } of effects.slice(0, 3)) {
      const input = inputs.find((each) => each.name === column);
      add(items, "li", `${input.dataset.title} ${input.value.trim()} (without this: ${text})`);
    }
  };

  const show = () => {
    answer.replaceChildren();
    const record = Object.fromEntries(inputs.map((each) => [each.name, each.value]));
    const score = explain(record);
    if (score.refusal) {
      add(answer, "p", `Not scored: ${score.refusal}.`);
      return;
    }
    const band = score.recommendation || `no recommendation (${model.refusal})`;
    if (score.unlike) {
      add(answer, "p", band).className = "answer";
      add(answer, "p", `Unlike all creators the model learned from: ${score.unlike}.`);
      add(answer, "p", "No number counts here, so a person decides.");
      return;
    }
    const [low, high] = [below(score.low), above(score.high)];
    const span = cut(score.low) ? `${low} to ${high}` : `at most ${high}`;
    add(answer, "p", `${below(score.probability)}, ${band}`).className = "answer";
    add(answer, "p", `90% interval of the true probability: ${span}`);
    const effects = [...(score.effects || [])].sort((a, b) => b.effect - a.effect);
    list("For", score.probability, effects.filter(({ effect }) => effect >= SLIGHT));
    list("Against", score.probability, effects.filter(({ effect }) => effect <= -SLIGHT).reverse());
    const known = effects.map(({ column }) => column);
    const unknown = inputs.filter(({ name }) => !known.includes(name)).map(({ dataset }) => dataset.title);
    if (score.effects && unknown.length) add(answer, "p", `Not known: ${unknown.join(", ").toLowerCase()}.`);
    if (answer.querySelector("li")) add(answer, "p", answer.dataset.note).className = "note";
  };

  /** A row copied from a sheet, alone or below its headers, fills the fields. */
  const paste = (event) => {
    const lines = event.clipboardData.getData("text").split(/\r?\n/).filter((line) => line.trim());
    const cells = lines.map((line) => line.split("\t"));
    if (!cells.length || cells[0].length < 2) return;
    event.preventDefault();
    const headers = cells.length > 1 ? cells[0].map((cell) => cell.trim()) : null;
    const values = cells[cells.length > 1 ? 1 : 0];
    inputs.forEach((each, at) => {
      const place = headers ? headers.findIndex((h) => h === each.name || h === each.dataset.header) : at;
      if (place >= 0 && place < values.length) each.value = values[place].trim();
    });
    show();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  form.addEventListener("paste", paste);
  form.hidden = false;
})();
