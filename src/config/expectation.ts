import { protocolNumber } from '../protocols.js'
import { parseNamePattern } from './name-pattern.js'
import { contains, parsePrefix } from './prefix.js'

/** What of a first contact a rule may ask for. */
export interface FirstContact {
  readonly interface: string
  readonly destination: string
  /** IP protocol number. */
  readonly protocol: number
  /** 0: none. */
  readonly port: number
  /** null: not known. */
  readonly service: string | null
  readonly network: string | null
  /** What the address was asked for as; null: not known; empty: a bare address. */
  readonly name: string | null
}

type Condition = (contact: FirstContact) => boolean

/** A rule of what is expected: a first contact that meets all its conditions is no news. */
export interface Expectation {
  /** As it was written. */
  readonly text: string
  readonly matches: Condition
}

const pattern = (key: 'interface' | 'service' | 'network' | 'name') => (text: string) => {
  const names = parseNamePattern(text)
  return (contact: FirstContact) => {
    const name = contact[key]
    // What is not known meets no condition; an empty name, that of a bare address, only its own.
    return name === '' ? names.name === '' : name !== null && names.matches(name)
  }
}

/** How the value of each condition is read. */
const conditions: Readonly<Record<string, (value: string) => Condition>> = {
  prefix: (value) => {
    const isWithin = contains(parsePrefix(value))
    return ({ destination }) => isWithin(destination)
  },
  network: pattern('network'),
  service: pattern('service'),
  name: pattern('name'),
  interface: pattern('interface'),
  protocol: (value) => {
    const number = protocolNumber(value)
    if (number === undefined)
      throw new Error(`there is no protocol '${value}': write tcp, udp, … or a number`)
    return ({ protocol }) => protocol === number
  },
  port: (value) => {
    if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw new Error(`'${value}' is no port`)
    return ({ port }) => port === Number(value)
  },
}

const known = Object.keys(conditions).join(', ')

/**
 * Reads a rule: conditions `key=value`, with a space between them; a value with spaces stands in double quotes.
 *
 * @throws Error for what is no condition, or stands twice
 */
export function parseExpectation(text: string): Expectation {
  const words = text.match(/\w+=(?:"[^"]*"|[^\s"]+)(?=\s|$)|\S+/g) ?? []
  if (words.length === 0)
    throw new Error(`the rule is empty: write conditions such as network=aws/s3 port=443`)
  const met = new Map<string, Condition>()
  for (const word of words) {
    const [, key = '', quoted, plain = ''] = /^(\w+)=(?:"([^"]*)"|([^\s"]+))$/.exec(word) ?? []
    const read = Object.hasOwn(conditions, key) ? conditions[key] : undefined
    if (!read) throw new Error(`'${word}' is no condition: write KEY=VALUE; there are ${known}`)
    if (met.has(key)) throw new Error(`${key} stands twice: write {a,b}, or a rule for each`)
    met.set(key, read(quoted ?? plain))
  }
  const all = [...met.values()]
  return { text, matches: (contact) => all.every((condition) => condition(contact)) }
}
