import type { Settings } from '../config/settings.js'
import type { Ranking, RankQuery } from '../kernel/addon.js'
import type { EgressCounter, Reading, View } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import { AuditLog } from './audit-log.js'
import { Discovery } from './discovery.js'
import { Memory, type MemoryState } from './memory.js'
import type { Remembered } from './store.js'

/** A counter whose destinations are remembered before anybody sees them. */
export interface RememberingCounter {
  readonly state: MemoryState
  /** Whether events of the audit log are lost. */
  readonly auditFailing: boolean
  /** Remembers what the table holds now. */
  catchUp(): Promise<void>
  read(view: View): Promise<Reading>
  rank(query: RankQuery): Promise<Ranking>
  find(destination: Pick<Remembered, 'interface' | 'destination'>): Remembered | undefined
  /** After somebody moved the audit log away. */
  reopenAudit(): void
  /** Remembers what came last; before the counter is closed. */
  close(): Promise<void>
}

/** Opens the memory and keeps it up with the counter, until it is closed. */
export function remember(counter: EgressCounter, settings: Settings, log: Logger): RememberingCounter {
  const audit = new AuditLog(settings.audit, log)
  const memory = new Memory(settings, audit, log)
  const discovery = new Discovery(counter.destinations, memory, settings, log)
  counter.watch({
    crowded: () => discovery.catchUp(),
    retired: () => discovery.retired(),
  })
  return {
    get state() {
      return memory.state
    },
    get auditFailing() {
      return audit.failing
    },
    catchUp: () => discovery.catchUp(),
    read: (view) => counter.read(view),
    rank: (query) => counter.rank(query),
    find: (destination) => memory.find(destination),
    reopenAudit: () => audit.reopen(),
    async close() {
      await discovery.close()
      memory.close()
    },
  }
}
