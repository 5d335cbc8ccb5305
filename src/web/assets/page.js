// Inserts the updates from the page's event stream, and counts running times. Without it the page works by reloading.
'use strict';

const said = document.getElementById('connection');
let skew = 0; // this machine's clock minus the server's, in milliseconds

function put(id, html) {
  const place = document.getElementById(id);
  if (!place) return;
  const focus = place.contains(document.activeElement) ? document.activeElement.id : '';
  const typed = fields(place);
  place.innerHTML = html;
  for (const [field, state] of typed) give(document.getElementById(field), state);
  if (focus) document.getElementById(focus)?.focus();
}

// Typed, chosen or opened elements, by their ids: an update must keep their state.
function fields(place) {
  return [...place.querySelectorAll('input[id]:not([type=hidden]), select[id], textarea[id], details[id]')].map((field) => [
    field.id,
    { value: field.value, checked: field.checked, open: field.open, from: caret(field, 'Start'), to: caret(field, 'End') },
  ]);
}

function caret(field, end) {
  try { return field[`selection${end}`]; } catch { return null; }
}

function give(field, state) {
  if (!field) return;
  if (field.tagName === 'DETAILS') { field.open = state.open; return; }
  if (field.type === 'checkbox') { field.checked = state.checked; return; }
  field.value = state.value;
  if (state.from !== null && state.from !== undefined) {
    try { field.setSelectionRange(state.from, state.to); } catch { /* a field without a caret */ }
  }
}

function span(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, '0');
  if (hours) return `${hours} h ${two(minutes)} min`;
  if (minutes) return `${minutes} min ${two(seconds % 60)} s`;
  return `${seconds} s`;
}

function tick() {
  for (const place of document.querySelectorAll('[data-since]')) {
    place.textContent = span(Date.now() - skew - Number(place.dataset.since));
  }
}

if (document.body.dataset.events) {
  const source = new EventSource(document.body.dataset.events);
  source.onmessage = (event) => {
    const { now, parts } = JSON.parse(event.data);
    skew = Date.now() - now;
    for (const [id, html] of Object.entries(parts)) put(id, html);
    said.textContent = '';
    tick();
  };
  source.onerror = () => { said.textContent = 'Connection lost; this page may be out of date. Reconnecting …'; };
  setInterval(tick, 1000);
}
