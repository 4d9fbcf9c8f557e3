// Drawings of the report and of the demonstration: waves, a spectrogram, what lies over it, its axes.

const SVG = "http://www.w3.org/2000/svg";
const WARM = [255, 150, 20];

export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** An element with its properties and children; text is never taken for markup. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A drawing of one path across its whole box. */
export function sketch(className, viewBox, path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

/** A wave given by pairs of its lowest and highest sample. */
export function drawWave(box, pairs) {
  const points = pairs.length / 2;
  const peak = pairs.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const side = (end) => Array.from({ length: points }, (_, at) => [at, -pairs[2 * at + end] / peak]);
  const line = [...side(1), ...side(0).reverse()].map(([x, y]) => `${x} ${y.toFixed(3)}`);
  box.replaceChildren(sketch("wave", `0 -1.05 ${points - 1} 2.1`, `M${line.join("L")}Z`));
}

/** A spectrum, low bands at the bottom; with evidence grey, and warm where that is. */
export function drawSpectrum(canvas, { bands, frames, loudness }, evidence, colours) {
  Object.assign(canvas, { width: frames, height: bands });
  const image = new ImageData(frames, bands);
  for (let band = 0; band < bands; band++) {
    for (let frame = 0; frame < frames; frame++) {
      const from = band * frames + frame;
      const to = 4 * ((bands - 1 - band) * frames + frame);
      const loud = loudness[from];
      for (let ink = 0; ink < 3; ink++) {
        const grey = 20 + 0.7 * loud;
        const lit = evidence && grey + ((WARM[ink] - grey) * 0.9 * evidence[from]) / 255;
        image.data[to + ink] = evidence ? lit : colours[3 * loud + ink];
      }
      image.data[to + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Attention as stairs over the spectrogram: steps of so many seconds, in a clip of so many. */
export function drawSteps(box, attention, step_s, clip_s) {
  if (!attention) return box.replaceChildren();
  const most = Math.max(...attention, 1e-9);
  const stairs = attention.map((share, at) => `V${(1 - share / most).toFixed(4)}H${((at + 1) * step_s).toFixed(4)}`);
  return box.replaceChildren(sketch("steps", `0 -.06 ${clip_s} 1.06`, `M0 1${stairs.join("")}V1`));
}

function tick(text, side, at) {
  const label = make("span", { textContent: text });
  label.style[side] = `${100 * at}%`;
  return label;
}

/** Seconds under a picture that begins at `start` and is `length` long. */
export function drawSeconds(box, start, length) {
  const every = length > 2 ? 1 : length > 1 ? 0.5 : 0.1;
  const first = Math.ceil(start / every - 1e-9);
  const count = Math.floor((start + length) / every + 1e-9) - first + 1;
  const ticks = Array.from({ length: count }, (_, at) => {
    const second = (first + at) * every;
    return tick(`${+second.toFixed(1)} s`, "left", (second - start) / length);
  });
  box.replaceChildren(...ticks);
}

export const mel = (hz) => 2595 * Math.log10(1 + hz / 700);

/** Pitches for the side of a spectrogram, whose bands are even in mel. */
export function pitches(low, high) {
  const shown = [250, 1000, 4000].filter((hz) => hz > low && hz < 0.9 * high);
  return shown.map((hz) => {
    const at = (mel(hz) - mel(low)) / (mel(high) - mel(low));
    return tick(hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, "bottom", at);
  });
}
