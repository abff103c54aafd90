import { addressOf, contains, type Prefix } from '../config/prefix.js'
import type { Status } from './rows.js'
import { shownStatus } from './schema.js'

/** Which destinations are meant; what is absent leaves nothing out. */
export interface Selection {
  readonly status?: Status
  readonly interface?: string
  /** Those that lie within one of these. */
  readonly within?: readonly Prefix[]
  /** Those first seen at this time or later, in ms since the Unix epoch. */
  readonly firstSeenFromMs?: number
}

/** A selection in SQL, with the functions that it calls. */
export interface Where {
  readonly sql: string
  readonly parameters: readonly (string | number)[]
  readonly functions: ReadonlyMap<string, (destination: string) => number>
}

/** The condition of a selection over the table of destinations. */
export function where({ status, interface: iface, within, firstSeenFromMs }: Selection): Where {
  const terms: string[] = []
  const parameters: (string | number)[] = []
  const functions = new Map<string, (destination: string) => number>()
  const add = (term: string, ...values: (string | number)[]) => {
    terms.push(term)
    parameters.push(...values)
  }
  // What is new is asked of the news, which have nothing else.
  if (status !== undefined && status !== 'new') add(`${shownStatus} = ?`, status)
  if (iface !== undefined) add('interface = ?', iface)
  if (firstSeenFromMs !== undefined) add('first_seen_ms >= ?', firstSeenFromMs)
  if (within !== undefined) {
    const addresses = within.filter(isAddress)
    const any = within
      .filter((prefix) => !isAddress(prefix))
      .map((prefix, index) => {
        const name = `within_${index}`
        const isWithin = contains(prefix)
        functions.set(name, (destination) => Number(isWithin(destination)))
        const start = commonStart(prefix)
        if (start === '') return `${name}(destination)`
        parameters.push(start, after(start))
        return `(interface IN (${eachInterface}) AND destination >= ? AND destination < ? AND ${name}(destination))`
      })
    if (addresses.length > 0) {
      any.push(`(interface IN (${eachInterface}) AND destination IN (${addresses.map(() => '?').join()}))`)
      parameters.push(...addresses.map(addressOf))
    }
    terms.push(`(${any.join(' OR ')})`)
  }
  return { sql: terms.length > 0 ? terms.join(' AND ') : 'true', parameters, functions }
}

/** With this the primary key finds destinations beside a million others: it begins with the interface. */
const eachInterface = `
  WITH RECURSIVE each (name) AS (
    SELECT min(interface) FROM destinations
    UNION ALL
    SELECT (SELECT min(interface) FROM destinations WHERE interface > each.name) FROM each WHERE each.name IS NOT NULL
  )
  SELECT name FROM each`

const isAddress = ({ bytes, length }: Prefix) => length === bytes.length * 8

/**
 * The text that every destination within a prefix begins with: its whole octets, or its whole groups up to the
 * first that is 0, which may be part of a "::" (RFC 5952, section 4.2). Empty where there is none.
 */
function commonStart({ bytes, length }: Prefix): string {
  if (bytes.length === 4) {
    return [...bytes.subarray(0, length >> 3)].map((octet) => `${octet}.`).join('')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const groups = Array.from({ length: length >> 4 }, (_, index) => view.getUint16(2 * index))
  const zero = groups.indexOf(0)
  return groups
    .slice(0, zero < 0 ? groups.length : zero)
    .map((group) => `${group.toString(16)}:`)
    .join('')
}

/** The first text after all that begin with this one. */
const after = (start: string) =>
  start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1)
