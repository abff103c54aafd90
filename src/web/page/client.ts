// Brings the page to life in the browser: asks each second, and shows what has changed.
import type { DestinationsList, ListQuery } from '../../destinations/list.js'
import {
  destinationKey,
  interfaceKey,
  maxNewest,
  renderHead,
  renderInterfaces,
  renderNewest,
  renderPager,
  renderRows,
  renderServices,
  rowsPerPage,
} from './view.js'

const intervalMs = 1_000
/** A minute is as wide as a sparkline. */
const historyLength = 60
/** Histories are kept of so many; of all others the oldest are forgotten. */
const maxHistories = 2_000

const find = (selector: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(selector)
  if (!found) throw new Error(`the page has no ${selector}`)
  return found
}
const form = find('#filter') as HTMLFormElement
const pause = find('#pause')
const state = find('#state')
const error = find('#error')

const histories = new Map<string, number[]>()
let paused = false
let timer: ReturnType<typeof setTimeout> | undefined
/** Of the newest question; answers to older ones are too late. */
let asking: AbortController | undefined

function readQuery(): ListQuery {
  const parameters = new URLSearchParams(location.search)
  const offset = Number(parameters.get('offset') ?? 0)
  return {
    ...Object.fromEntries([...parameters].filter(([, value]) => value !== '')),
    sort: (parameters.get('sort') ?? '-bytes_per_second') as ListQuery['sort'],
    offset,
    limit: rowsPerPage,
  }
}

async function ask(query: Partial<ListQuery>, signal: AbortSignal): Promise<DestinationsList> {
  const parameters = Object.entries(query).map(([name, value]) => [name, String(value)])
  const response = await fetch(`api/v1/destinations?${new URLSearchParams(parameters).toString()}`, {
    signal,
  })
  const answer = (await response.json()) as DestinationsList & { error?: string }
  if (!response.ok) throw new Error(answer.error ?? response.statusText)
  return answer
}

function remember(key: string, rate: number): void {
  const history = histories.get(key) ?? []
  // Moved to the end: what is shown now is forgotten last.
  histories.delete(key)
  histories.set(key, [...history, rate].slice(-historyLength))
  const [oldest] = histories.keys()
  if (oldest !== undefined && histories.size > maxHistories) histories.delete(oldest)
}

/** Changes a text, and only then: screen readers read it out. */
function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Makes an element's content be what it should, changing no more than that: focus and selection stay. */
function show(element: Element, html: string): void {
  const wanted = element.cloneNode(false) as Element
  wanted.innerHTML = html
  patch(element, wanted)
}

function patch(old: Element, wanted: Element): void {
  if (old.isEqualNode(wanted)) return
  for (const { name } of [...old.attributes]) if (!wanted.hasAttribute(name)) old.removeAttribute(name)
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  }
  const [before, after] = [[...old.childNodes], [...wanted.childNodes]]
  const alike =
    before.length === after.length && before.every((node, index) => node.nodeName === after[index]?.nodeName)
  if (!alike) {
    old.replaceChildren(...after)
    return
  }
  before.forEach((node, index) => {
    const next = after[index]
    if (node instanceof Element && next instanceof Element) patch(node, next)
    else if (next && node.nodeValue !== next.nodeValue) node.nodeValue = next.nodeValue
  })
}

async function update(): Promise<void> {
  clearTimeout(timer)
  asking?.abort()
  const mine = new AbortController()
  asking = mine
  const query = readQuery()
  try {
    const [list, newest] = await Promise.all([
      ask(query, mine.signal),
      ask({ status: 'new', sort: '-first_seen', limit: maxNewest }, mine.signal),
    ])
    if (mine.signal.aborted) return
    const now = Date.parse(list.time)
    for (const row of list.destinations) remember(destinationKey(row), row.bytes_per_second)
    for (const row of list.interfaces) remember(interfaceKey(row), row.bytes_per_second)
    const history = (key: string) => histories.get(key) ?? []
    show(find('#newest'), renderNewest(newest, now))
    show(find('#interfaces'), renderInterfaces(list.interfaces, history))
    show(find('#services'), renderServices(list))
    find('#by-service').hidden = list.services.length === 0
    show(find('#destinations thead'), renderHead(query, list.destinations))
    show(find('#destinations tbody'), renderRows(list, history))
    show(find('#pager'), renderPager(list, query))
    say(error, '')
    say(state, 'Live')
  } catch (problem) {
    if (mine.signal.aborted) return
    say(error, problem instanceof Error ? problem.message : String(problem))
    say(state, 'Not updated')
  }
  if (!paused) timer = setTimeout(() => void update(), intervalMs)
}

function go(search: string): void {
  history.pushState(null, '', search === '' ? location.pathname : search)
  void update()
}

function fillForm(): void {
  const parameters = new URLSearchParams(location.search)
  for (const name of ['search', 'interface', 'status', 'service', 'by', 'sort']) {
    const field = form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement
    field.value = parameters.get(name) ?? (name === 'sort' ? '-bytes_per_second' : '')
  }
}

function apply(): void {
  const fields = [...new FormData(form)].filter(([, value]) => value !== '')
  go(`?${new URLSearchParams(fields as [string, string][]).toString()}`)
}

// Links within the page are questions; all others are links.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const search = link?.getAttribute('href')
  if (!search?.startsWith('?') || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  go(search)
  fillForm()
})
form.addEventListener('input', apply)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  apply()
})
addEventListener('popstate', () => {
  fillForm()
  void update()
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target instanceof HTMLInputElement) return
  event.preventDefault()
  form.querySelector<HTMLInputElement>('[name=search]')?.focus()
})
document.addEventListener('visibilitychange', () => {
  // Nobody looks: nobody need count.
  if (document.hidden) clearTimeout(timer)
  else if (!paused) void update()
})
pause.addEventListener('click', () => {
  paused = !paused
  pause.textContent = paused ? 'Go on' : 'Pause'
  if (paused) {
    clearTimeout(timer)
    say(state, 'Paused')
  } else {
    void update()
  }
})

find('#apply').hidden = true
pause.hidden = false
void update()
