// Live parts of a page. Each message of the socket is one out-of-band fragment:
//   data-seq="N"         one of the user's numbered deliveries; a gap means that one was missed
//   data-seq-latest="N"  what the server has delivered so far; sent when the socket opens
//   data-price, data-at  a price: lossy, unnumbered, and shown wherever its id stands
// After a gap, or when the socket comes back, every element with data-live-url is fetched anew;
// X-Live-Seq in each answer says up to which delivery that answer is complete.
//   data-news            a live part that is fetched again when something has happened
//   data-priced          a live part whose sums follow the price: fetched again while prices move, if it is in sight
(() => {
  "use strict";
  const RECONNECT_MIN_MS = 500;
  const RECONNECT_MAX_MS = 8000;
  const BANNER_AFTER_MS = 1000;
  const CATCH_UP_PAUSE_MS = 500;
  const CATCH_UP_ROUNDS_MAX = 5;
  const CATCH_UP_AGAIN_MS = 5000;
  const PRICED_AFTER_MS = 4000;
  const NEWS_AFTER_MS = 500;
  const SILENT_MS = 15000;
  const RETRIED_BY_HTMX = [1006, 1011, 1012, 1013];
  const body = document.body;
  const connection = document.querySelector("#connection > p");
  let seen = Number(body.dataset.seq || 0);
  let newest = seen;
  let catchingUp = false;
  let lost = false;
  let bannerTimer;
  let pricedTimer;
  let newsTimer;
  let stood = new Map();

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const onPage = (id) => [...document.querySelectorAll(`[id="${CSS.escape(id)}"]`)];
  const reconnectDelay = (tries) =>
    Math.min(RECONNECT_MIN_MS * 2 ** tries, RECONNECT_MAX_MS) * (0.5 + Math.random() / 2);
  htmx.config.wsReconnectDelay = reconnectDelay;

  async function refetch(element) {
    const answer = await fetch(element.dataset.liveUrl, { headers: { "HX-Request": "true" } });
    // A redirect leads to the sign-in page: the session has ended.
    if (answer.redirected) location.reload();
    const seq = answer.headers.get("X-Live-Seq");
    if (!answer.ok || answer.redirected || seq === null) throw new Error(`${answer.url}: ${answer.status}`);
    const fresh = await answer.text();
    // A delivery that came meanwhile is newer than this answer, and has put another element in its place.
    if (element.isConnected && Number(seq) >= seen)
      htmx.swap(element, fresh, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
    return Number(seq);
  }

  // Deliveries that arrive meanwhile are only noted, since the answers may be older than they are.
  async function catchUp() {
    if (catchingUp) return;
    catchingUp = true;
    try {
      for (let round = 0; round < CATCH_UP_ROUNDS_MAX; round += 1) {
        const parts = [...document.querySelectorAll("[data-live-url]")];
        seen = parts.length ? Math.min(...(await Promise.all(parts.map(refetch)))) : newest;
        if (newest <= seen) break;
        await pause(CATCH_UP_PAUSE_MS);
      }
    } catch (error) {
      console.warn("The page could not catch up yet.", error);
      setTimeout(catchUp, CATCH_UP_AGAIN_MS);
    } finally {
      catchingUp = false;
    }
  }

  const free = (element) => !element.contains(document.activeElement);

  function inSight(element) {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  async function refetchAll(parts) {
    try {
      if (!catchingUp && !lost) await Promise.all(parts.filter(free).map(refetch));
    } catch (error) {
      console.warn("A part of the page could not be fetched anew yet.", error);
    }
  }

  // One round at a time, and the next only after another price.
  async function followPrices() {
    if (!document.hidden) await refetchAll([...document.querySelectorAll("[data-priced]")].filter(inSight));
    pricedTimer = undefined;
  }

  function followNews() {
    newsTimer = undefined;
    refetchAll([...document.querySelectorAll("[data-news]")]);
  }

  document.addEventListener("live:price", ({ detail }) => {
    if (onPage(detail.id).length) pricedTimer ??= setTimeout(followPrices, PRICED_AFTER_MS);
  });

  // A price that has stood still since the last look may have grown old: the server says how old it is.
  setInterval(() => {
    const shown = new Map([...document.querySelectorAll(".price")].map(({ id, dataset }) => [id, dataset.at]));
    const still = ({ id }) => shown.get(id) === stood.get(id);
    const parts = [...document.querySelectorAll("[data-live-url]:has(.price)")].filter(inSight);
    if (!document.hidden) refetchAll(parts.filter((part) => still(part.querySelector(".price"))));
    stood = shown;
  }, SILENT_MS);

  function showPrice(fresh) {
    const { price, at } = fresh.dataset;
    fresh.removeAttribute("hx-swap-oob");
    for (const shown of onPage(fresh.id)) {
      if (Number(shown.dataset.at || 0) > Number(at)) continue;
      const change = Number(price) - Number(shown.dataset.price || price);
      const next = document.importNode(fresh, true);
      if (change) next.classList.add(change > 0 ? "price-up" : "price-down");
      shown.replaceWith(next);
    }
    document.dispatchEvent(new CustomEvent("live:price", { detail: { id: fresh.id, price, at: Number(at) } }));
  }

  // True when htmx should swap the fragment in.
  function accept(fragment) {
    if (fragment.dataset.price) return showPrice(fragment);
    const latest = fragment.dataset.seqLatest;
    const seq = Number(latest ?? fragment.dataset.seq ?? 0);
    newest = Math.max(newest, seq);
    if (latest === undefined && !seq) return onPage(fragment.id).length > 0;
    if (catchingUp || seq <= seen) return false;
    if (latest !== undefined || seq > seen + 1) return void catchUp();
    seen = seq;
    if (fragment.id === "activity-news") newsTimer ??= setTimeout(followNews, NEWS_AFTER_MS);
    return onPage(fragment.id).length > 0;
  }

  body.addEventListener("htmx:wsBeforeMessage", (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.detail.message;
    const fragment = template.content.firstElementChild;
    if (!fragment || !accept(fragment)) event.preventDefault();
  });

  body.addEventListener("htmx:wsOpen", () => {
    clearTimeout(bannerTimer);
    connection.hidden = true;
    if (lost) catchUp();
    lost = false;
  });

  body.addEventListener("htmx:wsClose", ({ detail }) => {
    if (!lost) bannerTimer = setTimeout(() => (connection.hidden = false), BANNER_AFTER_MS);
    lost = true;
    if (RETRIED_BY_HTMX.includes(detail.event.code)) return;
    setTimeout(() => detail.socketWrapper.reconnect(), reconnectDelay(2));
  });

  document.addEventListener("click", ({ target }) => {
    target.closest("[data-dismiss]")?.closest(".toast")?.remove();
    for (const open of document.querySelectorAll("details:is(.menu, .confirm)[open]")) {
      if (!open.contains(target)) open.open = false;
    }
  });

  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    const open = document.querySelector("details:is(.menu, .confirm)[open]");
    open?.querySelector("summary").focus();
    open?.removeAttribute("open");
  });
})();
