import type { Settings } from '../config/settings.js'
import { loadAddon } from './native/addon.js'
import type { NativeNames } from './native/names.js'

export type { AnswerCounts, NativeNames } from './native/names.js'

/** What hears the names of destinations, where the program is. */
export interface NameListener {
  readonly native: NativeNames
  choose(ifindexes: readonly number[]): void
}

/**
 * What keeps the names that led to addresses; nothing is heard yet.
 *
 * @throws UserError if the addon is not built, or not for this machine
 */
export function makeNames({
  namesLimit,
  ipv4PrefixLength,
  ipv6PrefixLength,
}: Pick<Settings, 'namesLimit' | 'ipv4PrefixLength' | 'ipv6PrefixLength'>): NativeNames {
  const { Names } = loadAddon()
  return new Names(namesLimit, ipv4PrefixLength, ipv6PrefixLength)
}
