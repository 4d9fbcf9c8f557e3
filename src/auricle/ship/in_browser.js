// The exported network in onnxruntime-web, for a certificate to ask: numbers go in and out as base64.
import * as ort from "./ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

const model = await (await fetch("model.onnx")).arrayBuffer();
const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Probabilities and strangeness of a stored wave, 16 bits a sample, and the milliseconds they took. */
window.hear = async (text) => {
  const stored = new Int16Array(bytesOf(text).buffer);
  const began = performance.now();
  const wave = Float32Array.from(stored, (sample) => sample / 32768);
  const found = await session.run({ wave: new ort.Tensor("float32", wave, [1, wave.length]) });
  const ms = performance.now() - began;
  const strangeness = found.strangeness ? found.strangeness.data[0] : null;
  return { probabilities: [...found.probabilities.data], strangeness, ms };
};

/** The wave of a sound file as this browser decodes it: float32, mono, and the milliseconds. */
window.decode = async (text, rate) => {
  const content = bytesOf(text).buffer;
  const began = performance.now();
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(content);
  const wave = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((sample, at) => (wave[at] += sample / sound.numberOfChannels));
  }
  const ms = performance.now() - began;
  let letters = "";
  for (const byte of new Uint8Array(wave.buffer)) letters += String.fromCharCode(byte);
  return { wave: btoa(letters), ms };
};

window.ready = true;
