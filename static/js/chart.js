// Draws each .price-chart[data-url] with candles, the bot's fills and its resting orders.
// The answer of data-url: {ticker, tick, candles: [{time, open, high, low, close}],
// fills: [{time, side, price, amount}], orders: [{slot, side, price, amount}]}; times are seconds UTC,
// money is text. data-price-id names the price whose live messages move the last candle.
// It is fetched again after the event live:bot, or when an element with data-chart-refresh comes in.
(() => {
  "use strict";
  const REFRESH_AFTER_MS = 1000;
  const CANDLE_AFTER_MS = 3000;
  const CANDLE_WIDTH_PX = 9;
  const LABELLED_ORDERS_MAX = 12;
  const INTERVAL_S_DEFAULT = 60;
  const { createChart, createSeriesMarkers, CandlestickSeries, LineStyle } = LightweightCharts;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--chart-${name}`).trim();
  const decimals = (tick) => (tick.split(".")[1] || "").replace(/0+$/, "").length;

  function chartLook() {
    const grid = { color: colour("grid") };
    return {
      layout: { background: { color: "transparent" }, textColor: colour("text"), attributionLogo: false },
      grid: { vertLines: grid, horzLines: grid },
      rightPriceScale: { borderColor: colour("grid") },
      timeScale: { borderColor: colour("grid"), timeVisible: true, secondsVisible: false },
    };
  }

  function candleLook() {
    const up = colour("up");
    const down = colour("down");
    return { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false };
  }

  const candleOf = ({ time, open, high, low, close }) => ({
    time,
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
  });

  // The shortest step: a gap in the candles is not their length.
  function intervalOf(candles) {
    const steps = candles.slice(1).map((candle, index) => candle.time - candles[index].time);
    return steps.length ? steps.reduce((a, b) => Math.min(a, b)) : INTERVAL_S_DEFAULT;
  }

  function markerOf({ time, side, price }, interval) {
    const buy = side.toLowerCase() === "buy";
    return {
      time: time - (time % interval),
      price: Number(price),
      position: buy ? "atPriceBottom" : "atPriceTop",
      shape: buy ? "arrowUp" : "arrowDown",
      color: colour(buy ? "order-buy" : "order-sell"),
    };
  }

  function lineOf({ slot, side, price }, labelled) {
    return {
      price: Number(price),
      color: colour(side.toLowerCase() === "buy" ? "order-buy" : "order-sell"),
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: labelled,
      title: labelled ? slot : "",
    };
  }

  class PriceChart {
    constructor(element) {
      this.element = element;
      this.status = document.createElement("p");
      this.status.className = "chart-status";
      this.status.textContent = "Loading the chart…";
      element.setAttribute("role", "img");
      element.append(this.status);
      this.lines = [];
      this.load();
    }

    async load() {
      try {
        const answer = await fetch(this.element.dataset.url, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
        this.show(await answer.json());
      } catch (error) {
        console.warn("The chart could not be loaded.", error);
        if (!this.chart) this.say("The chart could not be loaded. Reload the page to try again.");
      }
    }

    say(text) {
      this.status.textContent = text;
      this.status.hidden = !text;
    }

    show(market) {
      this.market = market;
      if (!market.candles.length) return this.say("No candles yet. The chart begins with the first one.");
      const first = !this.chart;
      if (first) this.build();
      this.say("");
      this.describe();
      const candles = market.candles.map(candleOf);
      this.last = candles.at(-1);
      this.interval = intervalOf(candles);
      this.series.setData(candles);
      this.draw();
      if (first) {
        const to = candles.length + 4;
        const shown = Math.round(this.element.clientWidth / CANDLE_WIDTH_PX);
        this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, to - shown), to });
      }
    }

    build() {
      const precision = decimals(this.market.tick);
      const minMove = Number(this.market.tick);
      this.chart = createChart(this.element, { autoSize: true, ...chartLook() });
      this.series = this.chart.addSeries(CandlestickSeries, {
        ...candleLook(),
        priceFormat: { type: "price", precision, minMove },
      });
      this.markers = createSeriesMarkers(this.series, []);
    }

    describe() {
      const { ticker, fills, orders } = this.market;
      const label = `Price of ${ticker} with ${fills.length} fills and ${orders.length} resting orders`;
      this.element.setAttribute("aria-label", label);
    }

    draw() {
      const { fills, orders } = this.market;
      const marks = fills.map((fill) => markerOf(fill, this.interval)).sort((a, b) => a.time - b.time);
      this.markers.setMarkers(marks);
      this.lines.forEach((line) => this.series.removePriceLine(line));
      const labelled = orders.length <= LABELLED_ORDERS_MAX;
      this.lines = orders.map((order) => this.series.createPriceLine(lineOf(order, labelled)));
    }

    recolour() {
      if (!this.chart) return;
      this.chart.applyOptions(chartLook());
      this.series.applyOptions(candleLook());
      this.draw();
    }

    refreshSoon(afterMs = REFRESH_AFTER_MS) {
      if (this.timer) return;
      this.timer = setTimeout(() => {
        this.timer = null;
        this.load();
      }, afterMs);
    }

    move({ id, price, at }) {
      if (id !== this.element.dataset.priceId || !this.last) return;
      const close = Number(price);
      const second = Math.floor(at / 1000);
      const time = second - (second % this.interval);
      if (time < this.last.time) return;
      // Prices are coalesced, so a candle made of them is a sketch: the true one is fetched soon.
      if (time > this.last.time) this.refreshSoon(CANDLE_AFTER_MS);
      const before = this.last.close;
      const { open, high, low } = time > this.last.time ? { open: before, high: before, low: before } : this.last;
      this.last = { time, open, high: Math.max(high, close), low: Math.min(low, close), close };
      this.series.update(this.last);
    }
  }

  const charts = [...document.querySelectorAll(".price-chart[data-url]")].map((element) => new PriceChart(element));
  const refresh = () => charts.forEach((chart) => chart.refreshSoon());
  document.addEventListener("theme:change", () => charts.forEach((chart) => chart.recolour()));
  document.addEventListener("live:price", ({ detail }) => charts.forEach((chart) => chart.move(detail)));
  document.addEventListener("live:bot", refresh);
  document.addEventListener("htmx:load", ({ target }) => {
    if (target === document.body) return;
    if (target.matches("[data-chart-refresh]") || target.querySelector("[data-chart-refresh]")) refresh();
  });
})();
