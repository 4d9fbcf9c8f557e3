// Every answer: the data in the page, filtered, sorted, and opened clip by clip.
const root = document.getElementById("explorer");
const data = JSON.parse(document.getElementById("explorer-data").textContent);
const form = root.querySelector("form");
const dialog = root.querySelector("dialog");
const PAGE = 40; // rows that are shown at once
const SHOWN_FROM = 1; // percent, of the categories in a card

const words = (name) => name.replaceAll("_", " ");
const category = (at) => words(data.categories[at]);
const counted = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
const seedName = (seed) => (seed === "ensemble" ? "all averaged" : seed);

// Answers

const rows = data.sets.flatMap(({ view, configuration, seed, clips, answers, percents }) => {
  const all = bytes(percents);
  const size = data.categories.length;
  return clips.map((clip, at) => {
    const [file, fold, is] = data.clips[clip];
    const shares = all.subarray(at * size, (at + 1) * size);
    const heard = answers[at];
    const told = { sure: shares[heard], truth: shares[is], right: heard === is };
    return { view, configuration, seed, clip, file, fold, is, heard, shares, ...told };
  });
});
const everRight = new Set(rows.filter((row) => row.right).map((row) => `${row.view} ${row.clip}`));
const PASSES = {
  view: (row, value) => row.view === Number(value),
  configuration: (row, value) => row.configuration === value,
  seed: (row, value) => row.seed === value,
  is: (row, value) => row.is === Number(value),
  heard: (row, value) => row.heard === Number(value),
  fold: (row, value) => row.fold === Number(value),
  answer: (row, value) =>
    value === "never" ? !everRight.has(`${row.view} ${row.clip}`) : row.right === (value === "right"),
  file: (row, value) => row.file.toLowerCase().includes(value.toLowerCase()),
};
const SORTS = { is: (row) => category(row.is), heard: (row) => category(row.heard) };

let sorting = { key: "truth", sign: 1 };
let shown = [];
let limit = PAGE;

function passing(filters) {
  const asked = Object.entries(filters).filter(([, value]) => value !== "");
  return rows.filter((row) => asked.every(([name, value]) => PASSES[name](row, value)));
}

function sorted(found) {
  const value = SORTS[sorting.key] ?? ((row) => row[sorting.key]);
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return found.sort((a, b) => sorting.sign * order(value(a), value(b)) || order(a.file, b.file));
}

/** Show what the filters ask for, from its first row. */
function update() {
  const filters = Object.fromEntries(new FormData(form));
  shown = sorted(passing(filters));
  limit = PAGE;
  const right = shown.filter((row) => row.right).length;
  const clips = new Set(shown.map((row) => row.clip));
  root.querySelector(".tally").textContent = shown.length
    ? `${counted(shown.length, "answer")} on ${counted(clips.size, "clip")}: ${right} right, ` +
      `${shown.length - right} wrong, accuracy ${share(right, shown.length)}%`
    : "No answer is like that.";
  compare(filters, clips);
  root.querySelector(".answers").classList.toggle("mixed", !filters.configuration || !filters.seed);
  list();
}

/** Percent to one decimal; between two the even one, as the tables have it. */
function share(part, whole) {
  const percent = (100 * part) / whole;
  const tie = percent % 0.5 === 0.25;
  return (tie ? (2 * Math.round(5 * percent)) / 10 : percent).toFixed(1);
}

/** How every configuration did on the clips that are shown. */
function compare({ view, seed }, clips) {
  const names = unique(data.sets.map((set) => set.configuration));
  const items = names.flatMap((configuration) => {
    const own = passing({ view, seed, configuration }).filter((row) => clips.has(row.clip));
    if (!own.length) return [];
    const percent = share(own.filter((row) => row.right).length, own.length);
    const item = make("li", {}, make("code", { textContent: configuration }), ` ${percent}%`);
    item.style.setProperty("--share", `${percent}%`);
    return [item];
  });
  root.querySelector(".same").hidden = items.length < 2;
  root.querySelector(".same ul").replaceChildren(...items);
}

function list() {
  root.querySelector("tbody").replaceChildren(...shown.slice(0, limit).map(line));
  const more = root.querySelector(".more");
  more.hidden = shown.length <= limit;
  more.textContent = `Show ${Math.min(PAGE, shown.length - limit)} more of ${shown.length - limit}`;
  for (const button of root.querySelectorAll("th button")) {
    const sign = button.dataset.key === sorting.key ? sorting.sign : 0;
    button.parentElement.ariaSort = { 1: "ascending", 0: "none", "-1": "descending" }[sign];
  }
}

function line(row, at) {
  const thumbnail = data.pictures?.of[row.clip] && make("canvas", { className: "thumbnail" });
  if (thumbnail) unpack(row.clip).then(({ spectrum }) => paint(thumbnail, spectrum));
  const open = make("button", { type: "button", onclick: () => openCard(at) }, ...parts(row.file));
  const name = make("th", { scope: "row", className: "left" }, thumbnail ?? "", open);
  if (data.sounds[row.clip]) name.append(playButton(row));
  const mark = make("span", { className: "mark", textContent: row.right ? "right" : "wrong" });
  const cells = [
    make("td", { className: "left", textContent: category(row.is) }),
    make("td", { className: "left" }, category(row.heard), " ", mark),
    bar("td", row.sure),
    bar("td", row.truth),
    make("td", { className: "right", textContent: row.fold }),
    make("td", { className: "left several" }, make("code", { textContent: row.configuration })),
    make("td", { className: "right several", textContent: seedName(row.seed) }),
  ];
  return make("tr", { className: row.right ? "right-answer" : "wrong-answer" }, name, ...cells);
}

/** A file's folders small, its name not. */
function parts(file) {
  const cut = file.lastIndexOf("/") + 1;
  return [make("small", { textContent: file.slice(0, cut) }), file.slice(cut)];
}

function bar(tag, percent) {
  const cell = make(tag, { className: "right share", textContent: percent });
  cell.style.setProperty("--share", `${percent}%`);
  return cell;
}

// Pictures

const unpacked = new Map();

/** A clip's spectrum, envelope, gradients and attention: every value is a byte, one after another. */
function unpack(clip) {
  if (!unpacked.has(clip)) unpacked.set(clip, inflate(data.pictures.of[clip]).then(divide));
  return unpacked.get(clip);
}

async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function divide(all) {
  const { bands, frames, points, gradients, attention } = data.pictures;
  let at = 0;
  const take = (size) => all.subarray(at, (at += size));
  const each = (names, size) => Object.fromEntries(names.map((name) => [name, take(size)]));
  return {
    spectrum: take(bands * frames),
    envelope: new Int8Array(take(2 * points)),
    gradients: each(gradients, bands * frames),
    attention: each(attention, frames),
  };
}

const colours = data.pictures && bytes(data.pictures.colours);

/** A clip's spectrum, and what speaks for an answer laid over it. */
function paint(canvas, loudness, gradient) {
  const { bands, frames } = data.pictures;
  drawSpectrum(canvas, { bands, frames, loudness }, gradient, colours);
}

/** Wave and spectrogram of a clip, on one axis of time, and over both what a network looked at. */
async function pictures(row) {
  const { gradients, seconds, low_hz, high_hz, failed } = data.pictures;
  const { spectrum, envelope, gradients: steep, attention } = await unpack(row.clip);
  const canvas = make("canvas", { role: "img" });
  const [wave, onWave, onSpectrum] = ["", "over", "over"].map((className) => make("div", { className }));
  drawWave(wave, envelope);
  const lay = (kind, name) => {
    paint(canvas, spectrum, kind === "gradient" ? steep[name] : null);
    const weights = { gradient: () => byMoment(steep[name]), attention: () => attention[name] }[kind]?.();
    drawHill(onWave, weights);
    drawHill(onSpectrum, kind === "attention" ? weights : null);
    const lit = name ? `; over it, what the ${kind} of ${name} marks` : "";
    canvas.ariaLabel = `Spectrogram of ${row.file}, ${category(row.is)}${lit}`;
  };
  const choose = (kind, name, first) => {
    const choice = make("input", { type: "radio", name: "looked", checked: first });
    choice.onchange = () => lay(kind, name);
    if (first) lay(kind, name);
    const called = name ? [`${kind} of `, make("code", { textContent: name })] : ["nothing"];
    const words = make("span", {}, ...called, caution(failed[kind]?.includes(name)));
    return make("label", {}, choice, words);
  };
  const attended = Object.keys(attention);
  const own = attended.find((name) => name === row.configuration && !failed.attention.includes(name));
  const choices = make(
    "fieldset",
    {},
    make("legend", { textContent: "Lay over wave and spectrogram" }),
    choose("", "", !own),
    ...attended.map((name) => choose("attention", name, name === own)),
    ...gradients.map((name) => choose("gradient", name, false)),
  );
  const box = make("div", { className: "spectrogram" }, canvas, onSpectrum, ...pitches(low_hz, high_hz), readout(spectrum));
  const axis = make("div", { className: "seconds", ariaHidden: "true" });
  drawSeconds(axis, 0, seconds);
  const track = make("div", { className: "track" }, wave, onWave);
  const stack = make("div", { className: "tracks" }, track, box, axis, make("div", { className: "cursor" }));
  return make("div", { className: "pictures" }, ...(gradients.length ? [choices] : []), stack);
}

/** How much of a gradient lies at each moment, all bands together; the most is 255. */
function byMoment(gradient) {
  const { bands, frames } = data.pictures;
  const sums = Array.from({ length: frames }, (_, at) => {
    let sum = 0;
    for (let band = 0; band < bands; band++) sum += gradient[band * frames + at];
    return sum;
  });
  const most = Math.max(...sums, 1);
  return sums.map((sum) => (255 * sum) / most);
}

/** Weights of moments as a hill over what is drawn; without any, nothing. */
function drawHill(box, weights) {
  if (!weights) return box.replaceChildren();
  const end = weights.length - 1;
  const path = `M0 255${[...weights].map((w, at) => `L${at} ${(255 - w).toFixed(0)}`).join("")}L${end} 255Z`;
  return box.replaceChildren(sketch("hill", `0 0 ${end} 255`, path));
}

/** A word beside what was tested and did not hold. */
const caution = (failed) =>
  failed
    ? make("strong", { className: "caution", textContent: " (it failed its test: the answer need not rest on it)" })
    : "";

const hertz = (m) => 700 * (10 ** (m / 2595) - 1);

/** Time, frequency and level under the pointer. */
function readout(spectrum) {
  const { bands, frames, seconds, low_hz, high_hz } = data.pictures;
  const told = make("output", { ariaHidden: "true" });
  queueMicrotask(() => {
    told.parentElement.onpointermove = ({ clientX, clientY, currentTarget }) => {
      const { left, top, width, height } = currentTarget.getBoundingClientRect();
      const x = (clientX - left) / width;
      const y = 1 - (clientY - top) / height;
      const [frame, band] = [Math.floor(x * frames), Math.floor(y * bands)];
      const hz = hertz(mel(low_hz) + y * (mel(high_hz) - mel(low_hz)));
      const level = ((spectrum[band * frames + frame] ?? 0) / 255 - 1) * 80;
      told.textContent = `${(x * seconds).toFixed(2)} s, ${Math.round(hz)} Hz, ${Math.round(level)} dB`;
    };
    told.parentElement.onpointerleave = () => (told.textContent = "");
  });
  return told;
}

// A card

let opened = 0;

async function openCard(at) {
  opened = at;
  const row = shown[at];
  root.querySelector(".place").textContent = `${at + 1} of ${shown.length}`;
  for (const button of dialog.querySelectorAll("[data-step]")) {
    button.disabled = !shown[at + Number(button.dataset.step)];
  }
  dialog.querySelector("h3").replaceChildren(...parts(row.file));
  const held = data.pictures?.of[row.clip];
  const drawn = held ? await pictures(row) : "";
  if (opened !== at) return; // another card was asked for meanwhile
  const sound = data.sounds[row.clip] ? player(row.clip) : "";
  dialog.querySelector(".card").replaceChildren(verdict(row), sound, drawn, probabilities(row));
  if (!dialog.open) dialog.showModal();
}

function verdict(row) {
  const who = make("code", { textContent: row.configuration });
  const seed = row.seed === "ensemble" ? " (all seeds averaged)" : "";
  const [is, heard] = [row.is, row.heard].map((at) => make("strong", { textContent: category(at) }));
  const end = row.right
    ? [", ", row.sure, "% sure, and that is right."]
    : [", ", row.sure, "% sure, and gave the truth ", row.truth, "%."];
  const start = ["It is ", is, ". ", who, seed, " heard ", heard, ...end];
  return make("p", { className: row.right ? "verdict right-answer" : "verdict wrong-answer" }, ...start);
}

/** What every configuration made of the clip: categories down, configurations across. */
function probabilities(row) {
  const { view, seed } = row;
  const own = rows.filter((r) => r.clip === row.clip && r.view === view && r.seed === seed);
  const order = Array.from(data.categories.keys()).sort((a, b) => row.shares[b] - row.shares[a]);
  const seen = order.filter((at) => at === row.is || own.some((r) => r.shares[at] >= SHOWN_FROM));
  const head = own.map((r) => make("th", { scope: "col", className: "right" }, make("code", { textContent: r.configuration })));
  const lines = seen.map((at) => {
    const truth = at === row.is ? make("span", { className: "mark", textContent: "the truth" }) : "";
    const name = make("th", { scope: "row", className: "left" }, category(at), " ", truth);
    const cells = own.map((r) => {
      const cell = bar("td", r.shares[at]);
      cell.classList.toggle("answer", r.heard === at);
      return cell;
    });
    return make("tr", {}, name, ...cells);
  });
  const caption = make("caption", { textContent: "Probability of each category, %, as trained, before calibration; each answer is bold." });
  const top = make("tr", {}, make("td"), ...head);
  const table = make("table", {}, caption, make("thead", {}, top), make("tbody", {}, ...lines));
  return make("div", { className: "table", tabIndex: 0, role: "region", ariaLabel: "Probabilities" }, table);
}

dialog.addEventListener("keydown", ({ key, target }) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step && shown[opened + step] && !target.matches("input, audio, .table")) openCard(opened + step);
});
dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
dialog.querySelector(".close").onclick = () => dialog.close();
for (const button of dialog.querySelectorAll("[data-step]")) {
  button.onclick = () => openCard(opened + Number(button.dataset.step));
}
dialog.addEventListener("close", () => {
  dialog.querySelector("audio")?.pause();
  if (opened >= limit) {
    limit = PAGE * Math.ceil((opened + 1) / PAGE);
    list();
  }
  root.querySelectorAll("tbody tr")[opened].querySelector("button").focus();
});

// Sounds, in a page that holds them

const address = (clip) => `data:audio/ogg;base64,${data.sounds[clip]}`;
const single = new Audio();

function player(clip) {
  single.pause();
  const audio = make("audio", { controls: true, src: address(clip) });
  const follow = () => {
    const at = audio.currentTime / audio.duration;
    dialog.querySelector(".cursor")?.style.setProperty("left", `${100 * Math.min(at, 1)}%`);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.onplay = audio.onseeked = follow;
  return audio;
}

function playButton(row) {
  const button = make("button", { type: "button", className: "play", textContent: "▶", ariaLabel: `Play ${row.file}` });
  button.onclick = () => {
    single.src = address(row.clip);
    single.play();
  };
  return button;
}

// Filters

const unique = (values) => [...new Set(values)];

function fill(name, choices, all) {
  const select = form.elements[name];
  const held = select.value;
  const options = choices.map(([value, text]) => new Option(text, value));
  select.replaceChildren(...(all ? [new Option(all, "")] : []), ...options);
  select.value = choices.some(([value]) => String(value) === held) ? held : select.options[0].value;
  select.parentElement.hidden = choices.length < 2;
}

/** Folds and configurations are those that a view has. */
function fillByView() {
  const view = Number(form.elements.view.value);
  const sets = data.sets.filter((set) => set.view === view);
  const folds = unique(sets.flatMap((set) => set.clips.map((clip) => data.clips[clip][1]))).sort((a, b) => a - b);
  fill("configuration", unique(sets.map((set) => set.configuration)).map((name) => [name, name]), "all");
  fill("fold", folds.map((fold) => [fold, fold]), "all");
}

/** A committee answers with all its seeds: where a choice has no such seed, all are shown. */
function fitSeed() {
  const { view, configuration, seed } = form.elements;
  const own = { view: view.value, configuration: configuration.value };
  if (!passing({ ...own, seed: seed.value }).length) seed.value = "";
}

/** Set the filters to these and no others, and go to what they show. */
function show(filters) {
  start();
  for (const [name, value] of Object.entries(filters)) {
    form.elements[name].value = value;
    if (name === "view") fillByView();
  }
  fitSeed();
  update();
  location.hash = root.id; // so that Back leads to where the reader came from
  root.scrollIntoView();
  root.querySelector(".tally").focus({ preventScroll: true });
}

function start() {
  for (const field of form.elements) if (field.name) field.value = "";
  form.elements.view.selectedIndex = 0;
  fillByView();
  form.elements.configuration.value = data.best;
  if (form.elements.configuration.selectedIndex < 0) form.elements.configuration.value = "";
  form.elements.seed.value = "0";
  fitSeed();
}

fill("view", data.views.map((title, at) => [at, title]));
fill("seed", unique(data.sets.map((set) => set.seed)).map((seed) => [seed, seedName(seed)]), "all");
fill("is", data.categories.map((name, at) => [at, words(name)]), "all");
fill("heard", data.categories.map((name, at) => [at, words(name)]), "any");

form.addEventListener("input", ({ target }) => {
  if (target.name === "view") fillByView();
  if (["view", "configuration"].includes(target.name)) fitSeed();
  update();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => {
  event.preventDefault();
  start();
  update();
});
root.querySelector(".more").onclick = () => {
  const next = limit;
  limit += PAGE;
  list();
  root.querySelectorAll("tbody tr")[next].querySelector("button").focus();
};
for (const button of root.querySelectorAll("th button")) {
  button.onclick = () => {
    const { key } = button.dataset;
    sorting = { key, sign: key === sorting.key ? -sorting.sign : 1 };
    sorted(shown);
    list();
  };
}

// Confusion matrices and tables of categories lead here

const viewOf = (title) => data.views.indexOf(title);

function cells(panel) {
  const { configuration } = panel;
  const view = viewOf(panel.view);
  const counts = new Map();
  for (const { is, heard } of passing({ view, configuration, seed: "0" })) {
    const cell = is * data.categories.length + heard;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const size = data.categories.length;
  const buttons = [...counts.keys()].sort((a, b) => a - b).map((cell, at) => {
    const [is, heard] = [Math.floor(cell / size), cell % size];
    const label = `${category(is)} heard as ${category(heard)}: ${counted(counts.get(cell), "clip")}`;
    const button = make("button", { type: "button", ariaLabel: label, title: label, tabIndex: at ? -1 : 0 });
    button.style.cssText = `left:${(100 * heard) / size}%;top:${(100 * is) / size}%;width:${100 / size}%;height:${100 / size}%`;
    button.onclick = () => show({ view, configuration, seed: "0", is, heard });
    return button;
  });
  const label = `Cells of ${configuration}, ${panel.view}; arrow keys go from one to the next`;
  const matrix = make("div", { className: "matrix", role: "group", ariaLabel: label }, ...buttons);
  for (const side of ["left", "top", "width", "height"]) matrix.style[side] = `${100 * panel[side]}%`;
  matrix.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const next = buttons[buttons.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  return matrix;
}

for (const drawing of document.querySelectorAll("[data-panels]")) {
  drawing.append(...JSON.parse(drawing.dataset.panels).map(cells));
  drawing.closest("figure").querySelector("figcaption").append(" Press a cell to see its clips.");
}
for (const table of document.querySelectorAll("table[data-view]")) {
  const view = viewOf(table.dataset.view);
  [...table.tBodies[0].rows].forEach(({ cells: [name] }, is) => {
    const button = make("button", { type: "button", className: "lead" }, ...name.childNodes);
    button.onclick = () => show({ view, configuration: "", is });
    name.replaceChildren(button);
  });
}

root.hidden = false;
start();
update();
