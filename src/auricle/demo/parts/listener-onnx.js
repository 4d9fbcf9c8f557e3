// The network runs in this page, by onnxruntime-web; what is asked for stays in the browser.
import * as ort from "./ort/ort.wasm.min.mjs";

const POINTS = 400; // stretches of a drawn wave
const ONE_ANSWER = 1.5; // clips, up to which a sound gets one answer
const OVERLAP = 2; // windows that hear each moment of a longer one
const LEAST = 2 ** -126; // of a probability whose logarithm is taken, the least that float32 has

export const WHERE = "in this page; no sound leaves it";

ort.env.wasm.numThreads = 1; // more would need headers that not every host can send
ort.env.wasm.wasmPaths = new URL("ort/", import.meta.url).href;

/** Makes `hear(file)`: what a sound file is. Throws an Error with a sentence for people. */
export async function listen(about) {
  const model = await (await fetch("model.onnx")).arrayBuffer();
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const length = Math.round(about.clip_s * about.sample_rate_hz);

  async function infer(clip) {
    const input = new ort.Tensor("float32", clip, [1, clip.length]);
    return session.run({ wave: input });
  }

  return async (file) => {
    const began = performance.now();
    const wave = await decode(file, about);
    const decoded = performance.now();
    const start = loudest(wave, length);
    const clips = hearings(wave, start, length);
    const found = [];
    for (const clip of clips) found.push(await infer(clip));
    const inferred = performance.now();
    const { shares, strangeness } = asOne(found.map(judged));
    const { spectrum, attention } = found[0];
    const long = wave.length > ONE_ANSWER * length;
    const events = long ? await eventsIn(wave, length, about, async (part) => judged(await infer(part))) : [];
    return {
      ...named({ shares, strangeness }, about),
      probabilities: Object.fromEntries(about.categories.map((name, at) => [name, shares[at]])),
      strangeness,
      start_s: start / about.sample_rate_hz,
      end_s: Math.min(start + length, wave.length) / about.sample_rate_hz,
      length_s: wave.length / about.sample_rate_hz,
      level_db: decibels(wave.subarray(start, start + length)),
      decoding_ms: decoded - began,
      network_ms: inferred - decoded,
      took_ms: performance.now() - began,
      wave: outline(clips[0]),
      spectrum: { ...picture(spectrum), evidence: null, attention: attention && [...attention.data] },
      overview: long ? outline(wave) : null,
      events,
    };
  };
}

/** The wave of a file at the model's rate, its channels averaged: (samples,). */
async function decode(file, { sample_rate_hz, most_s }) {
  const context = new OfflineAudioContext(1, 1, sample_rate_hz);
  const sound = await context.decodeAudioData(await file.arrayBuffer()).catch(() => {
    throw new Error("This file cannot be used: no audio that this browser can decode.");
  });
  if (sound.duration > most_s) throw new Error(`This file cannot be used: longer than ${most_s / 60} minutes.`);
  const wave = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((sample, at) => (wave[at] += sample / sound.numberOfChannels));
  }
  return wave;
}

/** Where the stretch with most energy begins, to 1% of its length. */
function loudest(wave, length) {
  if (wave.length <= length) return 0;
  const hop = Math.max(1, Math.floor(length / 100));
  const before = [0];
  for (let at = 0; at < wave.length; at += hop) {
    const energy = wave.subarray(at, at + hop).reduce((sum, sample) => sum + sample * sample, 0);
    before.push(before.at(-1) + energy);
  }
  const span = Math.ceil(length / hop);
  let best = 0;
  for (let at = 0; at + span < before.length; at++) {
    if (before[at + span] - before[at] > before[best + span] - before[best]) best = at;
  }
  return Math.min(best * hop, wave.length - length);
}

/** What is heard of a sound: its stretch; a short one again, repeated until the clip is full. */
function hearings(wave, start, length) {
  const clip = fit(wave, start, length);
  if (wave.length >= length) return [clip];
  const repeated = new Float32Array(length);
  for (let at = 0; wave.length && at < length; at += wave.length) repeated.set(wave.subarray(0, length - at), at);
  return [clip, repeated];
}

/** A stretch of a wave, followed by silence where it is too short. */
function fit(wave, start, length) {
  const clip = new Float32Array(length);
  clip.set(wave.subarray(start, start + length));
  return clip;
}

/** Windows that overlap, each moment's answer the mean of those that hear it, equal ones merged. */
async function eventsIn(wave, length, about, judge) {
  const hop = Math.floor(length / OVERLAP);
  const found = [];
  let start = 0;
  for (; wave.length - start > length; start += hop) found.push(await judge(fit(wave, start, length)));
  if (!found.length || wave.length - start > length - hop) found.push(await judge(fit(wave, start, length)));
  const seconds = wave.length / about.sample_rate_hz;
  const hop_s = hop / about.sample_rate_hz;
  const count = Math.min(found.length + OVERLAP - 1, Math.max(1, Math.ceil(seconds / hop_s - 1e-9)));
  const stretches = Array.from({ length: count }, (_, at) => mean(found.slice(Math.max(0, at - OVERLAP + 1), at + 1)));
  const events = [];
  let run = [];
  stretches.forEach((stretch, at) => {
    run.push(stretch);
    const { category } = named(stretch, about);
    if (at + 1 < count && named(stretches[at + 1], about).category === category) return;
    const { shares, strangeness } = mean(run);
    const confidence = Math.max(...shares);
    events.push({ start_s: (at + 1 - run.length) * hop_s, end_s: Math.min((at + 1) * hop_s, seconds), category, confidence, strangeness });
    run = [];
  });
  return events;
}

/** What an answer rests on; without texture there is no strangeness. */
function judged({ probabilities, strangeness }) {
  return { shares: [...probabilities.data], strangeness: strangeness ? strangeness.data[0] : null };
}

const average = (rows, value) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;

/** Of what was found of several windows, the mean. */
const mean = (rows) => ({
  shares: rows[0].shares.map((_, at) => average(rows, (row) => row.shares[at])),
  strangeness: rows[0].strangeness === null ? null : average(rows, (row) => row.strangeness),
});

/** Of all hearings of one sound, the mean of log-probabilities and the least strangeness. */
function asOne(rows) {
  const logs = rows[0].shares.map((_, at) => average(rows, (row) => Math.log(Math.max(row.shares[at], LEAST))));
  const powers = logs.map((log) => Math.exp(log - Math.max(...logs)));
  const total = powers.reduce((sum, power) => sum + power);
  return {
    shares: powers.map((power) => power / total),
    strangeness: rows[0].strangeness === null ? null : Math.min(...rows.map((row) => row.strangeness)),
  };
}

/** The answer that probabilities and strangeness give. */
function named({ shares, strangeness }, { categories, unknown_below, strange_above }) {
  const confidence = Math.max(...shares);
  const known = confidence >= unknown_below && (strange_above === null || strangeness <= strange_above);
  return { category: known ? categories[shares.indexOf(confidence)] : "unknown", confidence };
}

/** A spectrum in decibels as bytes from its lowest to its loudest. */
function picture({ data, dims: [, bands, frames] }) {
  const low = data.reduce((least, value) => Math.min(least, value), Infinity);
  const high = data.reduce((most, value) => Math.max(most, value), -Infinity);
  const scale = 255 / Math.max(high - low, 1e-6);
  return { bands, frames, loudness: Uint8Array.from(data, (value) => scale * (value - low)) };
}

/** Lowest and highest sample of each of POINTS stretches, as signed bytes. */
function outline(wave) {
  const pairs = new Int8Array(2 * POINTS);
  for (let point = 0; point < POINTS; point++) {
    const from = Math.floor((point * wave.length) / POINTS);
    const part = wave.subarray(from, Math.max(from + 1, Math.floor(((point + 1) * wave.length) / POINTS)));
    const [low, high] = part.reduce(([low, high], sample) => [Math.min(low, sample), Math.max(high, sample)], [1, -1]);
    pairs[2 * point] = Math.round(127 * Math.max(-1, low));
    pairs[2 * point + 1] = Math.round(127 * Math.min(1, high));
  }
  return pairs;
}

function decibels(wave) {
  const power = wave.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, wave.length);
  return Math.max(-120, 10 * Math.log10(power + 1e-300));
}
