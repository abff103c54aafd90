import ipaddr from 'ipaddr.js'
import { formatPrefix, type Prefix, parsePrefix } from '../config/prefix.js'
import type { Status } from './rows.js'

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
  if (status !== undefined) add('status = ?', status)
  if (iface !== undefined) add('interface = ?', iface)
  if (firstSeenFromMs !== undefined) add('first_seen_ms >= ?', firstSeenFromMs)
  if (within !== undefined) {
    const addresses = within.filter(isAddress)
    const any = within
      .filter((prefix) => !isAddress(prefix))
      .map((prefix, index) => {
        const name = `within_${index}`
        functions.set(name, (destination) => (liesWithin(destination, prefix) ? 1 : 0))
        return `${name}(destination)`
      })
    if (addresses.length > 0) {
      any.push(`(interface IN (${eachInterface}) AND destination IN (${addresses.map(() => '?').join()}))`)
      parameters.push(...addresses.map(addressOf))
    }
    terms.push(`(${any.join(' OR ')})`)
  }
  return { sql: terms.length > 0 ? terms.join(' AND ') : 'true', parameters, functions }
}

/** With this the primary key finds an address beside a million others: it begins with the interface. */
const eachInterface = `
  WITH RECURSIVE each (name) AS (
    SELECT min(interface) FROM destinations
    UNION ALL
    SELECT (SELECT min(interface) FROM destinations WHERE interface > name) FROM each WHERE name IS NOT NULL
  )
  SELECT name FROM each`

const isAddress = ({ bytes, length }: Prefix) => length === bytes.length * 8
const addressOf = (prefix: Prefix) => formatPrefix(prefix).replace(/\/\d+$/, '')

function liesWithin(destination: string, outer: Prefix): boolean {
  const inner = parsePrefix(destination)
  if (inner.bytes.length !== outer.bytes.length || inner.length < outer.length) return false
  const range = ipaddr.fromByteArray([...outer.bytes])
  return ipaddr.fromByteArray([...inner.bytes]).match(range, outer.length)
}
