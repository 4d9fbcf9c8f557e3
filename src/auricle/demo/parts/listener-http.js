// The network runs in the server that this page came from.

import { bytes } from "./draw.js";

const unsigned = (text) => text && bytes(text);
const signed = (text) => text && new Int8Array(bytes(text).buffer);

const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

export const WHERE = own ? "on this machine; no sound leaves it" : "on the machine that this page comes from";

/** Makes `hear(file, explain)`: what a sound file is. Throws an Error with a sentence for people. */
export async function listen() {
  return async (file, explain = false) => {
    const began = performance.now();
    const asked = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } };
    const response = await fetch(`api/predict?explain=${explain}`, asked).catch(() => {
      throw new Error("The server does not answer. Is auricle demo still running?");
    });
    const told = await response.json().catch(() => ({ problem: "The server failed. What it prints says why." }));
    if (!response.ok) throw new Error(told.problem);
    const { spectrum } = told;
    return {
      ...told,
      took_ms: performance.now() - began,
      wave: signed(told.wave),
      overview: signed(told.overview),
      spectrum: { ...spectrum, loudness: unsigned(spectrum.loudness), evidence: unsigned(spectrum.evidence) },
    };
  };
}
