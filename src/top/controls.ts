import type { SortKey } from '../destinations/fields.js'
import type { DestinationsList, ListQuery } from '../destinations/list.js'
import type { Key } from './screen.js'
import { sortKeys } from './sort-keys.js'

/** What the keys have set. */
export interface Controls {
  readonly query: ListQuery
  readonly paused: boolean
  /** What is being typed after `/`; undefined: nothing. */
  readonly typing: string | undefined
  readonly done: boolean
}

/** What a key changes. Names are sorted from the first on, numbers from the largest. */
export function press(controls: Controls, { name, text }: Key, list: DestinationsList | undefined): Controls {
  const { query, typing } = controls
  if (name === 'interrupt') return { ...controls, done: true }
  if (typing !== undefined) return type(controls, typing, { name, text })
  const ask = (changes: Partial<ListQuery>) => ({ ...controls, query: { ...query, offset: 0, ...changes } })
  const scroll = (rows: number) => {
    const last = Math.max(0, (list?.matched ?? 0) - query.limit)
    return ask({ offset: Math.max(0, Math.min(last, query.offset + rows)) })
  }
  switch (name) {
    case 'q':
      return { ...controls, done: true }
    case 's':
      return ask({ sort: nextSort(query.sort) })
    case 'r':
      return ask({ sort: reversed(query.sort) })
    case 'i':
      return ask({ interface: nextInterface(query.interface, list) })
    case 'n':
      return ask(query.status === 'new' ? { status: '' } : { status: 'new' })
    case 'space':
      return { ...controls, paused: !controls.paused }
    case 'up':
      return scroll(-1)
    case 'down':
      return scroll(1)
    case 'pageup':
      return scroll(-query.limit)
    case 'pagedown':
      return scroll(query.limit)
    case 'home':
      return ask({})
    case 'escape':
      return ask({ search: '', interface: '', status: '' })
  }
  return text === '/' ? { ...controls, typing: query.search ?? '' } : controls
}

function type(controls: Controls, typing: string, { name, text }: Key): Controls {
  if (name === 'escape') return { ...controls, typing: undefined }
  if (name === 'return' || name === 'enter') {
    return { ...controls, typing: undefined, query: { ...controls.query, offset: 0, search: typing } }
  }
  if (name === 'backspace') return { ...controls, typing: typing.slice(0, -1) }
  return /^[\x20-\x7e]$/.test(text) && typing.length < 100 ? { ...controls, typing: typing + text } : controls
}

const keyOf = (sort: ListQuery['sort']) => sort.replace('-', '') as SortKey

function nextSort(sort: ListQuery['sort']): ListQuery['sort'] {
  const next = sortKeys[(sortKeys.indexOf(keyOf(sort)) + 1) % sortKeys.length] ?? 'bytes_per_second'
  return next === 'destination' ? next : `-${next}`
}

const reversed = (sort: ListQuery['sort']): ListQuery['sort'] =>
  sort.startsWith('-') ? keyOf(sort) : `-${keyOf(sort)}`

/** One after the other, and then all again. */
function nextInterface(current = '', list: DestinationsList | undefined): string {
  const names = ['', ...(list?.interfaces ?? []).map(({ interface: name }) => name)]
  return names[(names.indexOf(current) + 1) % names.length] ?? ''
}
