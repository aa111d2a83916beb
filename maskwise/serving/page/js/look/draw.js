/** Verdicts drawn over a picture: colour, line and sign all tell the class, and labels keep off faces. */

/** The palette of maskwise.model.palette; a test holds the two together. */
export const COLOURS = { masked: "#0072B2", incorrect: "#E69F00", unmasked: "#D55E00", uncertain: "#7F7F7F" };
const INK = { masked: "#fff", incorrect: "#000", unmasked: "#000", uncertain: "#000" };
const DASHES = { incorrect: [4, 2.5], uncertain: [0.5, 1.9] };
const WEIGHT = { unmasked: 1.9, uncertain: 2 };
/** What it costs to say less, to lie on the own face, and on another face or label, all of it. */
const LOST = [0, 0.2, 0.5], OWN = 0.9, OTHERS = 4;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/**
 * @param {CanvasRenderingContext2D} context of a canvas that shows the whole picture
 * @param {Array<{box_xyxy: number[], verdict: string, confidence: number, number?: number}>} people
 * @param {number} scale canvas pixels of one pixel of the picture
 * @param {number} unit canvas pixels of one pixel on the screen: text and lines are as large for the reader at any size
 */
export function draw(context, people, scale, unit) {
  const boxes = people.map(({ box_xyxy: box }) => box.map((at) => at * scale));
  people.forEach((person, i) => outline(context, boxes[i], person.verdict, unit));
  const tags = [];
  people.forEach((person, i) => tags.push(tag(context, boxes, i, person, tags, unit)));
}

function outline(context, [x0, y0, x1, y1], verdict, unit) {
  const wide = Math.max(unit, Math.min(2.4 * unit, (x1 - x0) / 22)) * (WEIGHT[verdict] ?? 1);
  context.save();
  context.lineCap = verdict === "uncertain" ? "round" : "butt";
  context.setLineDash([]);
  context.lineWidth = wide * 1.25 + 1.6 * unit;
  context.strokeStyle = "rgb(0 0 0 / .6)";
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.setLineDash((DASHES[verdict] ?? []).map((part) => part * wide));
  context.lineWidth = wide;
  context.strokeStyle = COLOURS[verdict];
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.restore();
}

/** A label where it hides least; it gives up words rather than hide another face. @returns what it covers. */
function tag(context, boxes, i, person, tags, unit) {
  const { width, height } = context.canvas;
  const text = 13 * unit, high = 20 * unit;
  context.font = `600 ${text}px ${FONT}`;
  const number = person.number ? `${person.number} ` : "";
  const wordings = [`${number}${person.verdict} ${Math.round(100 * person.confidence)}%`, `${number}${person.verdict}`, number.trim()];
  let best = null;
  wordings.forEach((words, loss) => {
    const wide = high * 1.05 + (words ? context.measureText(words).width + 7 * unit : 0);
    for (const [x, y] of spots(boxes[i], wide, high, unit)) {
      const extent = clamped(x, y, wide, high, width, height);
      const hidden = boxes.reduce((sum, box, j) => sum + shared(extent, box) * (j === i ? OWN : OTHERS), 0)
        + tags.reduce((sum, other) => sum + OTHERS * shared(extent, other), 0);
      const cost = hidden / (wide * high) + LOST[loss];
      if (!best || cost < best.cost - 1e-6) best = { cost, extent, words };
    }
  });
  plate(context, best.extent, person.verdict, best.words, text, unit);
  return best.extent;
}

function spots([x0, y0, x1, y1], wide, high, unit) {
  const edge = 1.5 * unit;
  return [[x0 - edge, y0 - high - edge], [x1 - wide + edge, y0 - high - edge], [x0 - edge, y1 + edge], [x1 - wide + edge, y1 + edge],
    [x1 + edge, y0], [x0 - wide - edge, y0], [x0 + edge, y0 + edge]];
}

function clamped(x, y, wide, high, width, height) {
  const left = Math.max(0, Math.min(x, width - wide)), top = Math.max(0, Math.min(y, height - high));
  return [left, top, left + wide, top + high];
}

function shared(a, b) {
  return Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
}

function plate(context, [x0, y0, x1, y1], verdict, words, text, unit) {
  const side = y1 - y0;
  context.fillStyle = COLOURS[verdict];
  context.strokeStyle = "rgb(0 0 0 / .45)";
  context.lineWidth = unit;
  context.beginPath();
  context.roundRect(x0, y0, x1 - x0, side, side * 0.22);
  context.fill();
  context.stroke();
  context.fillStyle = context.strokeStyle = INK[verdict];
  sign(context, verdict, x0 + side / 2, y0 + side / 2, side * 0.25);
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(words, x0 + side * 1.0, y0 + side / 2 + text * 0.06);
}

function sign(context, verdict, x, y, r) {
  const lines = {
    masked: [[-1, 0.1], [-0.25, 0.85], [1, -0.8]],
    incorrect: [[0, -1], [0, 0.25]],
    unmasked: [[-0.8, -0.8], [0.8, 0.8], null, [0.8, -0.8], [-0.8, 0.8]],
    uncertain: [[-0.6, -0.5], [-0.3, -0.95], [0.3, -0.95], [0.6, -0.5], [0, 0.05], [0, 0.3]],
  }[verdict];
  context.save();
  context.lineWidth = r * 0.42;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  let lifted = true;
  for (const point of lines) {
    if (point) context[lifted ? "moveTo" : "lineTo"](x + point[0] * r, y + point[1] * r);
    lifted = !point;
  }
  context.stroke();
  if (verdict === "incorrect" || verdict === "uncertain") {
    context.beginPath();
    context.arc(x, y + 0.92 * r, r * 0.26, 0, 7);
    context.fill();
  }
  context.restore();
}
