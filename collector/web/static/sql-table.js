// A result as a table, some hundred rows at a time. Values come from events: they are only ever text.

const WINDOW = 200;
const LONG = 90;
const MOST_SHOWN = 20_000;
// Milliseconds from 2001 to 2286, nanoseconds likewise.
const TIME_NAME = /(_ms|_at|^timestamp|_ns)$/;

export function createTable(box, more) {
  let rows = [];
  let columns = [];
  let shown = 0;
  let numeric = [];
  let body = null;

  function addRows() {
    const fragment = document.createDocumentFragment();
    for (const row of rows.slice(shown, shown + WINDOW)) {
      const line = document.createElement("tr");
      row.forEach((value, place) => line.append(cell(value, columns[place], numeric[place])));
      fragment.append(line);
    }
    body.append(fragment);
    shown = Math.min(rows.length, shown + WINDOW);
    more.hidden = shown >= rows.length;
    more.textContent = `Show more rows (${(rows.length - shown).toLocaleString("en")} left)`;
  }

  more.addEventListener("click", addRows);
  box.addEventListener("click", (event) => event.target.closest("td.long")?.classList.toggle("open"));

  return {
    show(answer) {
      ({ rows, columns } = answer);
      shown = 0;
      const table = document.createElement("table");
      const head = table.createTHead().insertRow();
      numeric = columns.map((_, place) => isNumeric(rows, place));
      columns.forEach((name, place) => {
        head.append(Object.assign(document.createElement("th"), { textContent: name, scope: "col", className: numeric[place] ? "r" : "" }));
      });
      body = table.createTBody();
      box.replaceChildren(table);
      box.hidden = false;
      box.scrollTop = 0;
      addRows();
    },
  };
}

function isNumeric(rows, place) {
  const values = rows.slice(0, WINDOW).map((row) => row[place]).filter((value) => value !== null);
  return values.length > 0 && values.every((value) => typeof value === "number");
}

function cell(value, name, isNumber) {
  const made = document.createElement("td");
  if (value === null) {
    made.className = isNumber ? "null r" : "null";
    made.textContent = "NULL";
    return made;
  }
  if (typeof value === "number") {
    made.className = "r";
    made.textContent = String(value);
    const time = asTime(value, name);
    if (time) made.title = `${time.toLocaleString()} (${time.toISOString()})`;
    return made;
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  made.textContent = text.slice(0, MOST_SHOWN);
  if (text.length > MOST_SHOWN) made.append(Object.assign(document.createElement("small"), { textContent: `… ${text.length.toLocaleString("en")} characters; the CSV has all` }));
  if (text.length > LONG) {
    made.classList.add("long");
    made.title = "Click to unfold";
  }
  if (name === "request_id") linkCall(made, text);
  return made;
}

function linkCall(made, id) {
  const address = `/calls/${id.split("/").map(encodeURIComponent).join("/")}`;
  made.replaceChildren(Object.assign(document.createElement("a"), { href: address, textContent: id }));
}

// A time, if the name of the column says so and the number can be one.
export function asTime(value, name) {
  if (typeof value === "string") {
    const isDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/.test(value);
    const at = isDate ? new Date(value) : null;
    return at && !Number.isNaN(at.getTime()) ? at : null;
  }
  if (typeof value !== "number" || !TIME_NAME.test(name)) return null;
  const ms = name.endsWith("_ns") ? value / 1e6 : value;
  return ms > 1e12 && ms < 1e13 ? new Date(ms) : null;
}
