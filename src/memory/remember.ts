import type { Settings } from '../config/settings.js'
import { isNativeError } from '../kernel/native-error.js'
import type { Ranking, RankQuery } from '../kernel/ranking.js'
import type { EgressCounter, Reading, View } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import { MemoryClient } from './client.js'
import { within } from './deadline.js'
import { Discovery } from './discovery.js'
import type { MemoryState } from './memory-state.js'
import type { DestinationKey, Remembered } from './rows.js'

/** A counter whose destinations are remembered before anybody sees them. */
export interface RememberingCounter {
  readonly state: MemoryState
  /** Remembers what the table holds now, as far as the disk is quick enough for somebody who waits. */
  catchUp(): Promise<void>
  read(view: View): Promise<Reading>
  rank(query: RankQuery): Promise<Ranking>
  /** What is remembered of each; undefined where nothing is, or where that takes too long to tell. */
  describe(keys: readonly DestinationKey[]): Promise<(Remembered | undefined)[]>
  /** Resolves once the memory is open, as far as the disk is quick enough. */
  ready(): Promise<void>
  /** After somebody moved the audit log away. */
  reopenAudit(): void
  /** Remembers what came last; before the counter is closed. */
  close(): Promise<void>
}

/**
 * Nobody waits longer for the disk: a page shows what is remembered by then, and what is not comes with
 * the next. README and docs/architecture.md have this figure.
 */
const patienceMs = 500
/** A stop, and the table before it makes room, wait a little longer. */
const closePatienceMs = 5_000

/** Opens the memory and keeps it up with the counter, until it is closed. */
export function remember(counter: EgressCounter, settings: Settings, log: Logger): RememberingCounter {
  const memory = new MemoryClient(settings, log)
  const discovery = new Discovery(counter.destinations, memory, settings, log)
  counter.watch({
    nearlyFull: () => within(patienceMs, discovery.catchUp()),
    retired: () => within(patienceMs, discovery.retired()),
  })
  return {
    get state() {
      return memory.state
    },
    async catchUp() {
      try {
        await within(patienceMs, discovery.catchUp())
      } catch (error) {
        // That the memory has stopped is told already, and no reason to show nothing.
        if (isNativeError(error)) throw error
      }
    },
    read: (view) => counter.read(view),
    rank: (query) => counter.rank(query),
    async describe(keys) {
      const described = await within(patienceMs, memory.describe(keys)).catch(() => undefined)
      return described ?? keys.map(() => undefined)
    },
    ready: () => within(patienceMs, memory.ready()),
    reopenAudit: () => void memory.reopenAudit().catch(() => undefined),
    async close() {
      const end = async () => {
        await discovery.close()
        await memory.close()
      }
      if (
        (await within(
          closePatienceMs,
          end().then(() => true),
        )) !== true
      ) {
        log.error(
          { seconds: closePatienceMs / 1000 },
          'the memory takes too long to end: what came last may be new again',
        )
      }
    },
  }
}
