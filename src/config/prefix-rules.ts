import { destinationGroups, groupNames, isGroup } from './destination-groups.js'
import { formatPrefix, type Prefix, parsePrefix } from './prefix.js'

/** What becomes of destinations that begin with a prefix; the longest that matches decides. */
export interface PrefixRule extends Prefix {
  readonly action: 'exclude' | 'include'
}

/** EGRESS_PREFIX_RULES_MAX of bpf/egress.h. */
const maxRules = 2 ** 20

/**
 * Groups, prefixes, or `none` alone; each value may hold several, separated by commas.
 *
 * @param granularity by how many bits destinations are told apart, by the bytes of an address
 * @throws Error naming the first word that is wrong
 */
export function parsePrefixRules(
  action: PrefixRule['action'],
  values: readonly string[],
  granularity: Readonly<Record<number, number>>,
): PrefixRule[] {
  const words = values.flatMap((value) => value.split(',')).map((word) => word.trim())
  if (words.includes('none')) {
    if (words.length > 1) throw new Error("'none' stands alone")
    return []
  }
  const prefixes: Prefix[] = []
  for (const word of words) {
    if (isGroup(word)) {
      prefixes.push(...destinationGroups[word].map(parsePrefix))
      continue
    }
    if (/^[a-z-]*$/.test(word)) {
      throw new Error(`there is no group '${word}': use ${groupNames.join(', ')}, none, or CIDR prefixes`)
    }
    const prefix = parsePrefix(word)
    const bits = granularity[prefix.bytes.length] ?? 0
    if (prefix.length > bits) {
      throw new Error(`'${word}' is longer than the ${bits} bits that destinations are told apart by`)
    }
    prefixes.push(prefix)
  }
  return prefixes.map((prefix) => ({ ...prefix, action }))
}

/**
 * The same twice does no harm.
 *
 * @throws Error if a prefix is both
 */
export function refuseContradictions(rules: readonly PrefixRule[]): void {
  const included = rules.filter(({ action }) => action === 'include')
  if (included.length === 0) return
  const excluded = new Set(rules.filter(({ action }) => action === 'exclude').map(keyOf))
  const both = included.find((candidate) => excluded.has(keyOf(candidate)))
  if (both) throw new Error(`'${formatPrefix(both)}' is excluded as well: leave it out of one of them`)
}

/** @throws Error if there are more than the kernel program has room for */
export function refuseTooMany(rules: readonly PrefixRule[], most = maxRules): void {
  if (rules.length <= most) return
  const { size } = new Set(rules.map(keyOf))
  if (size > most)
    throw new Error(`${size} prefixes are too many, with those to include: at most ${most} have room`)
}

const keyOf = ({ bytes, length }: Prefix) => String.fromCharCode(length, ...bytes)
