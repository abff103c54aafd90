import { livedAt, readInstant } from './lived-clock.js'
import { facts, type Summary } from './memory-store.js'
import type { Row } from './statements.js'
import type { Store } from './store.js'

/** Facts of one store that another lacks, and its rules where that has none. */
export function copyFacts(from: Store, to: Store): void {
  for (const name of [facts.clock, facts.baselineEnd, facts.servicesBaselineEnd, facts.audited]) {
    const value = from.fact(name)
    if (value !== undefined && to.fact(name) === undefined) to.setFact(name, value)
  }
  if (to.expectations.list().length > 0) return
  for (const expectation of from.expectations.list()) to.expectations.add(expectation)
}

/** Remembers what another store does and this one does not, by this one's baseline. */
export function takeOver(disk: Store, other: Store): void {
  const now = readInstant()
  const shiftMs = livedAt(disk.clock(), now) - livedAt(other.clock(), now)
  const baselineEndMs = Number(disk.fact(facts.baselineEnd))
  const servicesBaselineEndMs = Number(disk.fact(facts.servicesBaselineEnd))
  const fresh = disk.count() === 0
  const news = new Map<string, number>()
  const count = ({ status, interface: iface }: Row) => {
    if (status === 'new') news.set(String(iface), (news.get(String(iface)) ?? 0) + 1)
  }
  for (const row of other.rows()) {
    const moved = move(row, shiftMs, baselineEndMs)
    if (disk.takeOver(moved)) count(moved)
  }
  for (const row of other.services.rows()) {
    // Who sent there first is known to, whatever came when.
    const host = disk.get(String(row['interface']), String(row['destination']))
    const moved = move(row, shiftMs, host?.service === row['service'] ? Infinity : servicesBaselineEndMs)
    if (disk.services.takeOver(moved) && moved['is_first'] === 0) count(moved)
  }
  // A new one goes on with the counters, of which acknowledged destinations are a part.
  for (const [iface, count] of fresh ? other.summary().newDestinations : news) disk.addNew(iface, count)
  disk.addEvents(other.events(0, Number.MAX_SAFE_INTEGER))
}

/** A row by the clock and the baseline of another store. */
function move(row: Row, shiftMs: number, baselineEndMs: number): Row {
  const first = Number(row['first_lived_ms']) + shiftMs
  const status = row['status'] === 'baseline' && first >= baselineEndMs ? 'new' : String(row['status'])
  return { ...row, first_lived_ms: first, last_lived_ms: Number(row['last_lived_ms']) + shiftMs, status }
}

/** What was announced stays so, and no counter falls, though the database that held it is lost. */
export function carryOn(disk: Store, { newDestinations, announced }: Summary): void {
  const { newDestinations: saved } = disk.summary()
  for (const [iface, count] of newDestinations) {
    const missing = count - (saved.get(iface) ?? 0)
    if (missing > 0) disk.addNew(iface, missing)
  }
  const byService = disk.fact(facts.servicesBaselineEnd) !== undefined
  for (const one of announced) {
    const isFirst = disk.remember(one) ? 1 : 0
    if (!byService || one.service === null) continue
    disk.services.insert({ ...one, service: one.service, isFirst, firstLivedMs: 0, lastLivedMs: 0 })
  }
}
