// Asking the daemon, with its token where it demands one.

// What is expected to happen and is told where it happened; every other error is shown as one.
export class Told extends Error {}

// The token comes in the address's fragment, which browsers send to nobody; it is kept here, and
// leaves the address bar, so that no screen, bookmark or history shows it.
let token = ""
try { token = localStorage.getItem("token") ?? "" } catch {} // where nothing may be kept

export function takeToken() {
  if (!location.hash.startsWith("#token=")) return false
  let found = location.hash.slice("#token=".length)
  try { found = decodeURIComponent(found) } catch {}
  history.replaceState(null, "", location.pathname + location.search)
  keepToken(found)
  return true
}

export function keepToken(value) {
  token = value.trim()
  try { localStorage.setItem("token", token) } catch {}
}

export const hasToken = () => Boolean(token)

// Called with the daemon's sentence when it wants a token, with "" when it was content.
export let onLocked = () => {}
export function whenLocked(act) { onLocked = act }

// The answer, whatever its status but 401.
export async function ask(path, options = {}) {
  const headers = { ...options.headers }
  if (/^[!-~]+$/.test(token)) headers.Authorization = `Bearer ${token}`
  let answer
  try {
    answer = await fetch(path, { ...options, headers })
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new Told("the daemon is out of reach")
  }
  if (answer.status === 401) {
    const { error } = await json(answer)
    onLocked(error)
    throw new Told("locked: it wants its token")
  }
  onLocked("")
  return answer
}

// The answer's JSON; what the daemon refuses is thrown in its own words.
export async function askJson(path, options = {}) {
  const answer = await ask(path, options)
  const body = answer.headers.get("content-length") === "0" ? {} : await json(answer)
  if (!answer.ok) throw new Told(body.error ?? `the daemon answered ${answer.status}`)
  return body
}

export async function refusal(answer) {
  const { error } = await json(answer)
  return new Told(error ?? `the daemon answered ${answer.status}`)
}

async function json(answer) {
  let text
  try { text = await answer.text() } catch { throw new Told("the daemon is out of reach") }
  if (!text) return {}
  try { return JSON.parse(text) } catch { throw new Told(`the daemon answered ${answer.status} with no JSON`) }
}

export const post = (body, type) => ({ method: "POST", body, headers: type ? { "Content-Type": type } : {} })
export const postJson = document => post(JSON.stringify(document), "application/json")

// An expected error as words; every other one goes on, to be shown as what it is.
export function words(error) {
  if (error instanceof Told) return error.message
  throw error
}

// Asks again and again with whatever is newest, one request at a time: a slow machine is asked less.
export function newest(act) {
  let busy = false
  let again = false
  return async function run() {
    if (busy) { again = true; return }
    busy = true
    try {
      do { again = false; await act() } while (again)
    } finally { busy = false }
  }
}
