// Follows the record: whenever the server says that something has changed, the part of this page
// that tells it is fetched again as the server writes it. Nothing is worked out here.
"use strict";

(() => {
  const note = document.getElementById("following");
  let live = document.getElementById("live");
  let asked = false;
  let again = false;

  const take = async () => {
    if (asked) {
      again = true;
      return;
    }
    asked = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("live");
        if (fresh) {
          live.replaceWith(document.adoptNode(fresh));
          live = fresh;
        }
      }
    } catch {
      // The stream says so too, and asks again by itself.
    }
    asked = false;
    if (again) {
      again = false;
      take();
    }
  };

  const stream = new EventSource(live.dataset.events);
  stream.addEventListener("open", () => {
    note.hidden = false;
    note.textContent = note.dataset.on;
  });
  stream.addEventListener("error", () => {
    note.hidden = false;
    note.textContent = note.dataset.lost;
  });
  stream.addEventListener("outage", take);
})();
