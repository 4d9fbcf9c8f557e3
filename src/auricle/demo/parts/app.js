// The page: three ways in, one answer out. Where the network runs is the listener's business.
import { bytes, drawSeconds, drawSpectrum, drawSteps, drawWave, make, pitches } from "./draw.js";
import { listen, WHERE } from "./listener.js";
import { level, Microphone, wav } from "./sound.js";

const LIVE_MS = 250; // from one live answer to the next
const SETTLED_MS = 1000; // that an answer stands before it is spoken
const QUIET_DB = -65; // below it there is little to hear
const SHORTEST_S = 0.5; // of what is heard live
const METER_S = 1; // of the microphone, that silence is told by

const $ = (id) => document.getElementById(id);
const words = (name) => name.replaceAll("_", " ");
// As the card and the report round: of 96.25, 96.2.
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode: "halfEven" }).format;
const percent = (share) => `${Math.round(100 * share)}%`;
const time = (s) => (s < 59.95 ? `${s.toFixed(1)} s` : minutes(Math.round(s)));
const minutes = (s) => `${Math.floor(s / 60)} min ${s % 60} s`;

const about = await (await fetch("about.json")).json();
const colours = bytes(about.colours);
const network = listen(about);
let shown = null; // the answer on the page
let microphone = null;
let turn = 0; // counts what was asked, so that an answer that comes too late is dropped

// The page as it begins

function begin() {
  const known = about.categories.length;
  $("lead").textContent = `A small network tells ${known} kinds of sound apart. It runs ${WHERE}.`;
  const mb = Math.round(about.most_bytes / 1e6);
  const kinds = about.formats.map((suffix) => suffix.slice(1));
  $("formats").textContent = `${kinds.join(", ")}; up to ${mb} MB and ${Math.round(about.most_s / 60)} minutes`;
  $("file").accept = [...about.formats, "audio/*"].join(",");
  $("try").replaceChildren(...about.sounds.map(toTry));
  $("try-title").hidden = !about.sounds.length;
  $("try-note").textContent = about.sounds_note;
  $("bars").replaceChildren(...about.categories.map(bar));
  $("bars").style.setProperty("--threshold", percent(about.unknown_below));
  $("bars").classList.toggle("has-threshold", about.unknown_below > 0);
  $("dotted").hidden = !about.unknown_below;
  $("why").textContent = "These are the sounds that it knows. Give it one of them, or anything else.";
  $("scores").replaceChildren(...about.scores.map(score));
  $("unscored").hidden = about.scores.length;
  $("kind").textContent = `${about.name} is ${about.kind}. ${about.learnt}`;
  $("unknown").textContent = about.what_is_unknown
    ? `${about.what_is_unknown} How sure it says it is, and what it calls unknown, was settled on clips that networks of its recipe had not learnt from. ${about.what_passes}`
    : "It never answers unknown, and how sure it says it is was not checked.";
  $("licence").textContent = `${about.licence} auricle ${about.version}, MIT licence.`;
  document.querySelector("main").hidden = false;
}

function toTry({ file, title, learnt }) {
  const button = make("button", { type: "button" }, make("span", { className: "play", ariaHidden: "true" }), title);
  if (learnt) button.append(make("small", { textContent: "learnt from" }));
  button.onclick = () => run(async () => {
    stop();
    const own = turn;
    const sound = await (await fetch(file)).blob();
    if (own === turn) await ask(sound, `Sound to try: ${title}`, true);
  });
  return make("li", {}, button);
}

function bar(name) {
  const row = make("li", {}, make("span", { className: "name", textContent: words(name) }));
  row.append(make("span", { className: "track" }, make("span", { className: "fill" })), make("span", { className: "value" }));
  return row;
}

function score({ what, accuracy, low, high, clips }) {
  const ends = low === null ? "" : `95% interval ${tenth(low)} to ${tenth(high)}%, `;
  const value = make("span", { className: "value", textContent: `${tenth(accuracy)}% right` });
  return make("div", {}, make("dt", { textContent: `on ${what}` }), make("dd", {}, value, make("span", { className: "note", textContent: `${ends}${clips} clips` })));
}

// Asking

/** Do something that may fail; what went wrong is told. */
async function run(action) {
  tell("");
  try {
    await action();
  } catch (problem) {
    stop();
    tell(problem.message);
  }
}

function tell(problem) {
  $("problem").textContent = problem;
  $("problem").hidden = !problem;
}

/** What a file is; nothing if something else was begun before it was known. */
async function hear(file, explain, own) {
  try {
    const answer = await (await network)(file, explain);
    return own === turn ? answer : null;
  } catch (problem) {
    if (own === turn) throw problem;
    return null;
  }
}

/** Ask what a whole sound is, and show it. */
async function ask(file, name, play = false) {
  stop();
  if (file.size > about.most_bytes) {
    throw new Error(`This file is too large: ${Math.round(about.most_bytes / 1e6)} MB is the most.`);
  }
  const own = ++turn;
  document.body.classList.add("busy");
  const answer = await hear(file, true, own);
  if (!answer) return;
  document.body.classList.remove("busy");
  $("asked").textContent = name;
  listenAgain(file);
  show(answer);
  speak(answer);
  if (matchMedia("(max-width: 60rem)").matches) $("answer").scrollIntoView();
  if (play) $("player").play().catch(() => {}); // a browser may want a press first
}

// Showing

function show(answer) {
  shown = answer;
  const known = answer.category !== "unknown";
  const best = Object.entries(answer.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  $("what").textContent = words(answer.category);
  $("sure").textContent = known ? percent(answer.confidence) : "";
  $("answer").classList.toggle("unknown", !known);
  $("answer").classList.add("answered");
  $("why").textContent = reason(answer, known, best);
  [...$("bars").children].forEach((row, at) => {
    const name = about.categories[at];
    const share = answer.probabilities[name];
    row.style.setProperty("--share", share);
    row.querySelector(".value").textContent = percent(share);
    row.classList.toggle("best", known && name === best);
  });
  $("took").textContent = took(answer);
  $("pictures").hidden = false;
  drawWave($("wave"), answer.wave);
  drawSeconds($("seconds"), answer.start_s, about.clip_s);
  $("pitch").replaceChildren(...pitches(about.low_hz, about.high_hz));
  showLooks(answer);
  showAlong(answer);
}

/** Whether an unknown sound is so for its strangeness, not for want of a likely category. */
const strange = ({ strangeness }) => about.strange_above !== null && strangeness > about.strange_above;

/** Why an event is unknown: one part of it may be so for one reason, another for the other. */
function doubt(event) {
  if (strange(event)) return "too strange";
  return event.confidence < about.unknown_below ? "too unsure" : "too strange or unsure";
}

function reason(answer, known, best) {
  const likeliest = `The likeliest, ${words(best)}, has ${percent(answer.confidence)}`;
  const quiet = answer.level_db < QUIET_DB ? " It is almost silent: there is little to go by." : "";
  if (known) return quiet.trim();
  if (strange(answer)) return `It sounds like nothing that it learnt from. ${likeliest}, but that would be a guess.${quiet}`;
  return `It is too unsure to name one. ${likeliest}, and below ${percent(about.unknown_below)} it does not claim to know.${quiet}`;
}

function took(answer) {
  const ms = (value) => `${Math.max(1, Math.round(value))} ms`;
  return `${heard(answer)} Decoding took ${ms(answer.decoding_ms)}, the network ${ms(answer.network_ms)}, all in all ${ms(answer.took_ms)}.`;
}

/** Which part of a sound was heard, and how often. */
function heard({ start_s, end_s, length_s }) {
  const length = time(length_s);
  if (length_s > about.clip_s + 0.05) return `Heard ${time(start_s)} to ${time(end_s)}, the loudest part of ${length}.`;
  if (length_s < about.clip_s - 0.05) return `Heard ${length} twice: followed by silence, as drawn, and repeated for ${time(about.clip_s)}.`;
  return `Heard ${length}.`;
}

/** What may be laid over the spectrogram: what the network attends to, what speaks for its answer. */
function showLooks({ spectrum, category }) {
  const offered = { nothing: true, attention: spectrum.attention, evidence: spectrum.evidence };
  const titles = { nothing: "nothing", attention: "where it looks", evidence: "what speaks for the answer" };
  const held = $("looks").querySelector(":checked")?.value ?? "attention";
  const names = Object.keys(offered).filter((name) => offered[name]);
  const wanted = names.includes(held) ? held : names.at(-1);
  const choices = names.map((name) => {
    const input = make("input", { type: "radio", name: "look", value: name, checked: name === wanted });
    input.onchange = () => drawLook(name);
    return make("label", {}, input, titles[name]);
  });
  const same = [...$("looks").querySelectorAll("input")].map((input) => input.value).join();
  if (same !== names.join()) $("looks").replaceChildren($("looks").querySelector("legend"), ...choices);
  $("looks").hidden = names.length < 2;
  $("looks-note").dataset.category = words(category);
  drawLook(wanted);
}

const NOTES = {
  nothing: "",
  attention: "The stairs are highest where the network’s class token attends most; each is one step of the encoder. The answer need not rest on what is highest.",
  evidence: "Warm is what speaks for the likeliest sound, by integrated gradients; grey is the rest.",
};

function drawLook(name) {
  const { spectrum } = shown;
  drawSpectrum($("spectrum"), spectrum, name === "evidence" ? spectrum.evidence : null, colours);
  drawSteps($("stairs"), name === "attention" ? spectrum.attention : null, about.step_s, about.clip_s);
  $("spectrum").ariaLabel = `Spectrogram of what was heard. ${NOTES[name]}`;
  $("looks-note").textContent = name === "nothing" ? "" : `${NOTES[name]} ${about.not_shown}`;
}

/** What a sound longer than a clip is all along. */
function showAlong({ overview, events, start_s, length_s }) {
  const { overview: box, events: list } = { overview: $("overview"), events: $("events") };
  box.hidden = list.hidden = !overview;
  if (!overview) return;
  drawWave(box, overview);
  const heard = make("span", { className: "heard" });
  heard.style.left = `${(100 * start_s) / length_s}%`;
  heard.style.width = `${Math.min(100, (100 * about.clip_s) / length_s)}%`;
  box.append(heard);
  const rows = events.map((event) => {
    const { start_s: from, end_s: to, category, confidence } = event;
    const sure = category === "unknown" ? `, ${doubt(event)}` : ` ${percent(confidence)}`;
    const button = make("button", { type: "button" }, make("span", { className: "when", textContent: `${time(from)} – ${time(to)}` }), " ", make("strong", { textContent: words(category) }), sure);
    button.onclick = () => {
      $("player").currentTime = from;
      $("player").play();
    };
    return make("li", { className: category === "unknown" ? "unknown" : "" }, button);
  });
  list.replaceChildren(...rows);
}

/** Say an answer to those who do not see it. */
function speak(answer) {
  const why = strange(answer) ? "it sounds like nothing that was learnt" : "too unsure to name one";
  const sure = answer.category === "unknown" ? why : `${percent(answer.confidence)} sure`;
  $("spoken").textContent = `${words(answer.category)}, ${sure}`;
}

// Hearing it again

function listenAgain(file) {
  const player = $("player");
  if (player.src) URL.revokeObjectURL(player.src);
  player.hidden = !file;
  $("cursor").hidden = true;
  if (!file) return player.removeAttribute("src");
  player.src = URL.createObjectURL(file);
}

let following = 0;

function follow() {
  cancelAnimationFrame(following);
  const at = ($("player").currentTime - shown.start_s) / about.clip_s;
  $("cursor").hidden = !(at >= 0 && at <= 1);
  $("cursor").style.left = `${100 * at}%`;
  if (!$("player").paused) following = requestAnimationFrame(follow);
}

$("player").onplay = $("player").onseeked = () => shown && follow();
$("player").onerror = () => ($("player").hidden = true); // not every browser plays every format

// Files

$("file").onchange = () => {
  const [file] = $("file").files;
  $("file").value = ""; // so that the same file can be given again
  if (file) run(() => ask(file, file.name));
};
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const [file] = event.dataTransfer.files;
  run(file ? () => ask(file, file.name) : async () => {
    throw new Error("That was no file. Drop a sound file here.");
  });
});

// The microphone

/** Open the microphone; nothing if something else was begun before it was open. */
async function start(mode) {
  stop();
  const own = turn;
  const opened = await Microphone.open();
  if (own !== turn) return opened.close();
  microphone = opened;
  microphone.onlost = () => {
    stop();
    tell("The microphone went away.");
  };
  microphone.keep = mode === "live" ? Math.max(about.clip_s, METER_S) : longest(microphone.rate);
  document.body.classList.add(mode);
  $("meter").hidden = false;
  $(mode).setAttribute("aria-pressed", "true");
  meter();
}

/** Seconds of a recording that may be given: as long as a file may be, and as large. */
const longest = (rate) => Math.min(about.most_s, Math.floor(about.most_bytes / (2 * rate)) - 1);

function stop() {
  turn++;
  microphone?.close();
  microphone = null;
  document.body.classList.remove("live", "record", "busy");
  $("meter").hidden = true;
  for (const [id, says] of Object.entries({ record: "Record", live: "Go live" })) {
    $(id).setAttribute("aria-pressed", "false");
    $(id).querySelector(".says").textContent = says;
  }
}

/** Follow the level of the microphone, as long as it is open. */
function meter() {
  if (!microphone) return;
  const now = level(microphone.last(0.1));
  const box = $("meter").querySelector(".level");
  box.style.setProperty("--level", Math.min(1, Math.max(0, 1 + now / 60)));
  box.ariaValueNow = Math.round(Math.max(-60, now));
  box.ariaValueText = now < QUIET_DB ? "silent" : `${Math.round(now)} decibels`;
  const silent = microphone.seconds >= METER_S && level(microphone.last(METER_S)) < -100;
  $("mic").textContent = silent ? "Nothing comes from the microphone. Is it muted?" : "";
  if (document.body.classList.contains("record")) {
    $("record").querySelector(".says").textContent = `Stop, ${microphone.seconds.toFixed(1)} s`;
    if (microphone.seconds >= microphone.keep) return finishRecording();
  }
  requestAnimationFrame(meter);
}

function finishRecording() {
  const sound = wav(microphone.last(), microphone.rate);
  stop();
  run(() => ask(sound, "Your recording"));
}

$("record").onclick = () => {
  if (document.body.classList.contains("record")) finishRecording();
  else run(() => start("record"));
};

$("live").onclick = () => {
  if (document.body.classList.contains("live")) stop();
  else run(live);
};

/** Answer four times a second what the last seconds were; one question at a time, none late. */
async function live() {
  await start("live");
  if (!microphone) return;
  const own = turn;
  const spoken = { category: "", since: 0, said: "" };
  $("live").querySelector(".says").textContent = "Stop";
  $("asked").textContent = `Live: the last ${about.clip_s} seconds`;
  listenAgain(null);
  while (own === turn) {
    const next = performance.now() + LIVE_MS;
    if (microphone.seconds >= Math.min(SHORTEST_S, about.clip_s)) {
      const answer = await hear(wav(microphone.last(about.clip_s), microphone.rate), false, own);
      if (!answer) return;
      show(answer);
      speakSettled(answer, spoken);
    }
    await new Promise((done) => setTimeout(done, Math.max(0, next - performance.now())));
  }
}

/** Speak a live answer once it has stood for a while, and is another than the last one spoken. */
function speakSettled(answer, spoken) {
  const now = performance.now();
  if (answer.category !== spoken.category) Object.assign(spoken, { category: answer.category, since: now });
  if (now - spoken.since < SETTLED_MS || spoken.said === answer.category) return;
  spoken.said = answer.category;
  speak(answer);
}

begin();
run(() => network);
