// Small charts as SVG. Each says in words what it shows.
import { h, svg } from "./dom.js"

const scale = (from, to, low, high) => value => low + ((value - from) / (to - from || 1)) * (high - low)

export function extent(values, margin = 0) {
  let low = Math.min(...values)
  let high = Math.max(...values)
  if (low === high) { low -= 1; high += 1 }
  const more = (high - low) * margin
  return [low - more, high + more]
}

export function path(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("")
}

// Round numbers between two, five or so.
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough)
  const found = []
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(i * step)
  return found
}

export const short = value =>
  Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 1000 ? 1 : 0 })

// Its foot is zero, unless it is to have a foot of its own.
export function sparkline(values, label, { width = 120, height = 28, foot = 0 } = {}) {
  if (!values.length)
    return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${label}: nothing yet` },
      svg("path", { class: "axis", d: `M0 ${height - 1}H${width}` }))
  const high = foot + (Math.max(...values) - foot) * 1.15 || 1
  const x = values.length > 1 ? scale(0, values.length - 1, 2, width - 4) : () => width - 4
  const y = scale(foot, high, height - 2, 3)
  const points = values.map((value, i) => [x(i), y(value)])
  const [endX, endY] = points.at(-1)
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    svg("path", { class: "axis", d: `M0 ${height - 1}H${width}` }),
    svg("path", { class: "stroke", d: path(points) }),
    svg("circle", { class: "dot", cx: endX, cy: endY, r: 2.5 }))
}

const signed = (part, digits) => {
  const text = Math.abs(100 * part).toFixed(digits)
  return `${Number(text) === 0 ? "±" : part < 0 ? "−" : "+"}${text} %`
}

// Forecast and interval of many tickers, as parts of the last price: one row each.
export function spans(forecasts, chosen, choose) {
  const parts = forecasts.map(one => ({
    ...one,
    lowPart: one.low / one.last - 1, part: one.forecast / one.last - 1, highPart: one.high / one.last - 1,
  }))
  const [low, high] = extent([0, ...parts.flatMap(one => [one.lowPart, one.highPart])], 0.04)
  const place = scale(low, high, 0, 100)
  const end = value => {
    const element = h("span", {}, value ? signed(value, 1) : "last close")
    element.style.left = `${place(value)}%`
    return element
  }
  return h("div", { class: "spans" },
    ...parts.map(one => {
      const mark = (kind, from, to) => {
        const element = h("i", { class: kind })
        element.style.left = `${place(from)}%`
        if (to !== undefined) element.style.width = `${place(to) - place(from)}%`
        return element
      }
      return h("button", {
        type: "button", "aria-pressed": String(one.ticker === chosen), onclick: () => choose(one.ticker),
        "aria-label": `${one.ticker}: last ${short(one.last)}, forecast ${short(one.forecast)}, from ${short(one.low)} to ${short(one.high)}`,
      },
      h("b", {}, one.ticker),
      h("span", { class: "rail" }, mark("zero", 0), mark("span", one.lowPart, one.highPart), mark("now", one.part)),
      h("span", { class: "number" }, signed(one.part, 2)))
    }),
    h("p", { class: "rail-ends fine", "aria-hidden": "true" }, ...[low, 0, high].map(end)))
}

// Closes up to the last one, and beyond it forecast and interval.
export function history(closes, one, width = 520, height = 300) {
  const shown = closes.slice(-60)
  const values = shown.map(day => day.close)
  const [low, high] = extent([...values, one.low, one.high, one.forecast], 0.08)
  const left = 54, right = width - 118, bottom = height - 26
  const x = scale(0, Math.max(1, shown.length - 1), left, right)
  const y = scale(low, high, bottom, 8)
  const end = width - 58
  const lastX = shown.length ? x(shown.length - 1) : left
  const grid = ticks(low, high, 5).map(value => svg("g", {},
    svg("path", { class: "axis", d: `M${left} ${y(value).toFixed(1)}H${end}` }),
    svg("text", { x: left - 8, y: y(value) + 4, class: "end" }, short(value))))
  const label = `${one.ticker}: ${shown.length} closes, the last ${short(one.last)}; forecast ${short(one.forecast)}, interval ${short(one.low)} to ${short(one.high)}`
  const apart = [["high", one.high], ["forecast", one.forecast], ["low", one.low]]
  let above = -Infinity
  const names = apart.map(([kind, value]) => {
    above = Math.max(y(value) + 4, above + 14)
    return svg("text", { x: end + 8, y: above, class: kind === "forecast" ? "strong" : "" }, short(value))
  })
  const dates = shown.length > 1 ? [
    svg("text", { x: left, y: height - 6 }, shown[0].date),
    svg("text", { x: right, y: height - 6, class: "end" }, shown.at(-1).date)] : []
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...grid,
    svg("path", { class: "fan", d: `M${lastX} ${y(one.last)}L${end} ${y(one.high)}V${y(one.low)}Z` }),
    shown.length > 1 ? svg("path", { class: "ink", d: path(values.map((value, i) => [x(i), y(value)])) }) : null,
    svg("path", { class: "stroke", d: `M${lastX} ${y(one.last)}L${end} ${y(one.forecast)}` }),
    svg("circle", { class: "ink-dot", cx: lastX, cy: y(one.last), r: 3 }),
    svg("circle", { class: "dot", cx: end, cy: y(one.forecast), r: 4 }),
    ...names, ...dates)
}

// Points, a line through them, and a mark on it that place() moves.
export function scatter(points, line, [xMost, yMost], names, width = 720, height = 360) {
  const left = 44, right = width - 12, bottom = height - 40, top = 10
  const x = scale(0, xMost, left, right)
  const y = scale(0, yMost, bottom, top)
  const mark = svg("g", { class: "mark" },
    svg("path", { class: "drop-line" }), svg("circle", { class: "halo", r: 13 }), svg("circle", { class: "dot", r: 6 }))
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": names.label },
    ...ticks(0, yMost, 6).map(value => svg("g", {},
      svg("path", { class: "axis", d: `M${left} ${y(value).toFixed(1)}H${right}` }),
      svg("text", { x: left - 8, y: y(value) + 4, class: "end" }, String(value)))),
    ...ticks(0, xMost, 8).map(value => svg("text", { x: x(value), y: bottom + 17, class: "middle" }, String(value))),
    svg("text", { x: right, y: height - 6, class: "end" }, names.x),
    ...points.map(([px, py]) => svg("circle", { class: "point", cx: x(px), cy: y(py), r: 4 })),
    svg("path", { class: "stroke", d: path(line.map(([px, py]) => [x(px), y(py)])) }),
    mark)
  const place = (px, py) => {
    const [drop, halo, dot] = mark.children
    drop.setAttribute("d", `M${x(px)} ${bottom}V${y(py)}H${left}`)
    for (const one of [halo, dot]) { one.setAttribute("cx", x(px)); one.setAttribute("cy", y(py)) }
  }
  return { chart, place, xAt: fraction => ((fraction * width - left) / (right - left)) * xMost }
}
