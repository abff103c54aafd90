import { livedAt, readInstant } from './lived-clock.js'
import { facts, type Summary } from './memory-store.js'
import type { Store } from './store.js'

/** Facts of one store that another lacks. */
export function copyFacts(from: Store, to: Store): void {
  for (const name of [facts.clock, facts.baselineEnd, facts.audited]) {
    const value = from.fact(name)
    if (value !== undefined && to.fact(name) === undefined) to.setFact(name, value)
  }
}

/** Remembers what another store does and this one does not, by this one's baseline. */
export function takeOver(disk: Store, other: Store): void {
  const now = readInstant()
  const shiftMs = livedAt(disk.clock(), now) - livedAt(other.clock(), now)
  const baselineEndMs = Number(disk.fact(facts.baselineEnd))
  const fresh = disk.count() === 0
  const taken = new Map<string, number>()
  for (const row of other.rows()) {
    const first = Number(row['first_lived_ms']) + shiftMs
    const status = row['status'] === 'baseline' && first >= baselineEndMs ? 'new' : String(row['status'])
    const moved = { first_lived_ms: first, last_lived_ms: Number(row['last_lived_ms']) + shiftMs }
    if (disk.takeOver({ ...row, ...moved, status }) && status === 'new') {
      const iface = String(row['interface'])
      taken.set(iface, (taken.get(iface) ?? 0) + 1)
    }
  }
  // A new one goes on with the counters, of which acknowledged destinations are a part.
  for (const [iface, count] of fresh ? other.summary().newDestinations : taken) disk.addNew(iface, count)
  disk.addEvents(other.events(0, Number.MAX_SAFE_INTEGER))
}

/** What was announced stays so, and no counter falls, though the database that held it is lost. */
export function carryOn(disk: Store, { newDestinations, announced }: Summary): void {
  const { newDestinations: saved } = disk.summary()
  for (const [iface, count] of newDestinations) {
    const missing = count - (saved.get(iface) ?? 0)
    if (missing > 0) disk.addNew(iface, missing)
  }
  for (const one of announced) disk.remember(one)
}
