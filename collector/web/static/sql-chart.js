// A chart of a result that has a time column and a number: drawn by DOM methods, no library, no inline style.

import { asTime } from "./sql-table.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 150;
const MOST_POINTS = 2000;

export function drawChart(box, { columns, rows }) {
  const timeAt = columns.findIndex((name, place) => isTimes(rows, name, place));
  const numbers = columns.map((_, place) => place).filter((place) => place !== timeAt && isNumbers(rows, columns[place], place));
  box.hidden = timeAt < 0 || !numbers.length || rows.length < 2;
  if (box.hidden) return box.replaceChildren();
  const best = numbers.find((place) => /duration|cost|token|count|calls|ms$/.test(columns[place])) ?? numbers[0];
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "What the chart shows");
  for (const place of numbers) choice.append(new Option(columns[place], String(place), false, place === best));
  const plot = document.createElement("div");
  const redraw = () => plot.replaceChildren(...draw(rows, columns, timeAt, Number(choice.value)));
  choice.addEventListener("change", redraw);
  const caption = document.createElement("figcaption");
  caption.append(choice, `by ${columns[timeAt]}`);
  box.replaceChildren(caption, plot);
  return redraw();
}

const some = (rows, place) => rows.slice(0, 50).map((row) => row[place]).filter((value) => value !== null);
const isTimes = (rows, name, place) => some(rows, place).length > 1 && some(rows, place).every((value) => asTime(value, name));

function isNumbers(rows, name, place) {
  const values = some(rows, place);
  return values.length > 0 && values.every((value) => typeof value === "number") && !values.every((value) => asTime(value, name));
}

function draw(rows, columns, timeAt, place) {
  const points = rows
    .filter((row) => typeof row[place] === "number" && asTime(row[timeAt], columns[timeAt]))
    .map((row) => [asTime(row[timeAt], columns[timeAt]).getTime(), row[place]])
    .sort((one, other) => one[0] - other[0]);
  const thinned = thin(points);
  const first = points[0][0];
  const last = points.at(-1)[0];
  const highest = points.reduce((most, point) => Math.max(most, point[1]), -Infinity);
  const lowest = Math.min(0, points.reduce((least, point) => Math.min(least, point[1]), Infinity));
  const x = (at) => (last === first ? WIDTH / 2 : ((at - first) / (last - first)) * WIDTH);
  const y = (value) => HEIGHT - ((value - lowest) / (highest - lowest || 1)) * (HEIGHT - 6) - 3;
  const path = thinned.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", `${columns[place]} over time, ${points.length} points from ${clean(lowest)} to ${clean(highest)}`);
  svg.append(node("path", { class: "rule", d: `M0 ${y(0).toFixed(1)}H${WIDTH}` }));
  svg.append(node("path", { class: "series", d: `M${path.join("L")}` }));
  if (thinned.length <= 120) svg.append(node("path", { class: "points", d: path.map((at) => `M${at}h0`).join("") }));
  const scale = document.createElement("div");
  scale.className = "scale";
  const edge = (text, name = "") => Object.assign(document.createElement("span"), { textContent: text, className: name });
  scale.append(edge(new Date(first).toLocaleString()), edge(`highest ${clean(highest)}`), edge(new Date(last).toLocaleString()));
  return [svg, scale];
}

// Of very many points the highest of each slice stays: peaks are what one looks for.
function thin(points) {
  if (points.length <= MOST_POINTS) return points;
  const size = points.length / MOST_POINTS;
  return Array.from({ length: MOST_POINTS }, (_, n) =>
    points.slice(Math.floor(n * size), Math.floor((n + 1) * size)).reduce((best, point) => (point[1] > best[1] ? point : best)));
}

const clean = (number) => (Number.isInteger(number) ? number.toLocaleString("en") : Number(number.toPrecision(4)).toLocaleString("en"));

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
