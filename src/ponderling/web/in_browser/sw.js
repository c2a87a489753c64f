// Keeps the page's files, so that it works without a network. `ponderling site` puts a name of their content and their list here.

const CONTENT = "CONTENT";
const FILES = ["FILES"];

const mine = `ponderling ${registration.scope} `; // other folders of the same host have their own
const name = mine + CONTENT;

addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(requests)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => names.filter((other) => other.startsWith(mine) && other !== name);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((other) => caches.delete(other)))));
});

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(registration.scope)) return;
  const kept = caches.open(name).then((cache) => cache.match(event.request, { ignoreSearch: true }));
  event.respondWith(kept.then((reply) => reply ?? fetch(event.request)));
});
