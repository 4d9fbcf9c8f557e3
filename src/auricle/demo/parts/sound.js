// Sounds in the browser: the microphone as it is, the last seconds of it, and WAV files.

const PROBLEMS = {
  NotAllowedError: "The microphone was refused. Allow it in the browser’s address bar, then try again.",
  NotFoundError: "There is no microphone here. Plug one in, or drop a file instead.",
  NotReadableError: "The microphone is in use by another program. Close that one, then try again.",
};

/** What the microphone hears, without the filters that browsers lay over it: they erase sounds. */
export class Microphone {
  /** Opens it. Throws an Error with a sentence for people. */
  static async open() {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers open the microphone on https pages and on this machine’s own address alone.");
    }
    const asked = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    let stream, context;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: asked });
      context = new AudioContext();
      await context.audioWorklet.addModule("capture.js");
      await context.resume();
      return new Microphone(stream, context);
    } catch (problem) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      context?.close();
      throw new Error(PROBLEMS[problem.name] ?? `The microphone cannot be opened (${problem.message}).`);
    }
  }

  constructor(stream, context) {
    this.stream = stream;
    this.context = context;
    this.blocks = [];
    this.samples = 0;
    const node = new AudioWorkletNode(context, "capture");
    node.port.onmessage = ({ data }) => this.take(data);
    context.createMediaStreamSource(stream).connect(node).connect(context.destination); // silent
    for (const track of stream.getTracks()) track.onended = () => this.onlost?.();
  }

  get rate() {
    return this.context.sampleRate;
  }

  get seconds() {
    return this.samples / this.rate;
  }

  /** Keep what was heard, no more than `keep` seconds of it. */
  take(block) {
    this.blocks.push(block);
    this.samples += block.length;
    while (this.keep && this.samples - this.blocks[0].length >= this.keep * this.rate) {
      this.samples -= this.blocks.shift().length;
    }
  }

  /** The last `seconds` that were heard, or all: (samples,) float32. */
  last(seconds = Infinity) {
    const wave = new Float32Array(Math.min(this.samples, Math.round(seconds * this.rate)));
    let left = wave.length;
    for (let at = this.blocks.length - 1; left > 0; at--) {
      const part = this.blocks[at].slice(-left);
      left -= part.length;
      wave.set(part, left);
    }
    return wave;
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

/** Root mean square of a wave in decibels below full scale. */
export function level(wave) {
  const power = wave.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, wave.length);
  return Math.max(-120, 10 * Math.log10(power + 1e-300));
}

/** A wave as a WAV file of 16 bits a sample. */
export function wav(wave, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * wave.length));
  const text = (at, letters) => [...letters].forEach((c, n) => view.setUint8(at + n, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * wave.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of what follows: PCM, one channel
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * wave.length, true);
  wave.forEach((sample, n) => view.setInt16(44 + 2 * n, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
}
