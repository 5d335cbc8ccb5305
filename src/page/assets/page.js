// Puts in what the page's own events bring, and lets times run on. Everything works without it, after a reload.
'use strict';

const said = document.getElementById('connection');
let skew = 0; // this machine's clock minus the server's, in milliseconds

function put(id, html) {
  const place = document.getElementById(id);
  if (!place) return;
  const focus = place.contains(document.activeElement) ? document.activeElement.id : '';
  place.innerHTML = html;
  if (focus) document.getElementById(focus)?.focus();
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
  source.onerror = () => { said.textContent = 'The connection is lost; what stands here may be old. Trying again …'; };
  setInterval(tick, 1000);
}
