import type { FirstContact } from '../config/expectation.js'
import type { OwnContact } from '../kernel/contacts.js'
import { kernel, other, unknown } from '../services/service.js'
import type { FailoverStore } from './failover-store.js'
import type { MemoryStore } from './memory-store.js'
import {
  type DestinationKey,
  firstContactOf,
  type PlacedContact,
  type Remembered,
  type ServiceKey,
} from './rows.js'
import { type ServiceOf, uidOf } from './sender-names.js'

/** Whether a first contact is news. */
export interface Verdict {
  readonly status: 'baseline' | 'new' | 'expected'
  /** Why not. */
  readonly note: string | null
}

/** Those of no service in particular: what any of them sends to is news only if it is for the host. */
const nobodys: ReadonlySet<string> = new Set([kernel.service, unknown.service, other])

/** Services that are not known yet: as `SenderNames` has it. What is more is no news of theirs. */
const maxWaiting = 65_536

/** A record's own first contact with a destination. */
interface Own
  extends DestinationKey, OwnContact, Pick<PlacedContact, 'firstSeenMs' | 'firstLivedMs' | 'lastLivedMs'> {
  /** Whether nobody sent there before. */
  readonly isFirst: boolean
}

type Services = Pick<MemoryStore, 'services' | 'addNew'>

/** What is new for a service: first contacts of its own with what others may know. */
export class ServiceNews {
  readonly #serviceOf: ServiceOf
  readonly #judge: (contact: FirstContact, firstLivedMs: number) => Verdict
  readonly #waiting = new Map<string, Own>()

  /** @param judge whether it is news that a service sends there */
  constructor(serviceOf: ServiceOf, judge: (contact: FirstContact, firstLivedMs: number) => Verdict) {
    this.#serviceOf = serviceOf
    this.#judge = judge
  }

  /** Whether some services may be known a second later. */
  get waits(): boolean {
    return this.#waiting.size > 0
  }

  /**
   * Notes that a service still sends there.
   *
   * @returns false if that is to be recorded
   */
  update(store: Services, contact: PlacedContact): boolean {
    const service = contact.own?.service ?? ''
    if (service === '' || nobodys.has(service)) return true
    return store.services.update({ ...keyOf(contact), service }, contact.lastLivedMs)
  }

  /**
   * Remembers a service's first contact, once its name is known.
   *
   * @param host the destination as it is remembered
   * @param isFirst whether nobody sent there before
   * @returns what is to be told beside the destination itself
   */
  record(
    store: Services,
    contact: PlacedContact,
    host: Remembered,
    isFirst: boolean,
  ): Remembered | undefined {
    if (!contact.own) return undefined
    const own = { ...keyOf(contact), ...contact.own, ...timesOf(contact, contact.own), isFirst }
    const service = own.service === '' ? this.#serviceOf(own.sender) : own.service
    if (service !== undefined) return this.#remember(store, own, service, host)
    if (this.#waiting.size < maxWaiting) this.#waiting.set(textOf(own), own)
    return undefined
  }

  /**
   * Remembers contacts whose services were not known at first, and are by now, and tells of them.
   *
   * @returns what was told
   */
  recordLate(store: Pick<FailoverStore, 'transaction'>): readonly Remembered[] {
    const late = [...this.#waiting].flatMap(([text, own]) => {
      const service = this.#serviceOf(own.sender)
      return service === undefined ? [] : [{ text, own, service }]
    })
    for (const { text } of late) this.#waiting.delete(text)
    if (late.length === 0) return []
    return store.transaction((view) => {
      const told = late.flatMap(({ own, service }) => {
        const host = view.get(own.interface, own.destination)
        return (host && this.#remember(view, own, service, host)) ?? []
      })
      view.addEvents(told.map(firstContactOf))
      return told
    })
  }

  #remember(store: Services, own: Own, service: string, host: Remembered): Remembered | undefined {
    const key = { ...keyOf(own), service }
    if ((nobodys.has(service) && !own.isFirst) || store.services.update(key, own.lastLivedMs))
      return undefined
    const { firstSeenMs, firstLivedMs, lastLivedMs, protocol, port, isFirst } = own
    const contact = { ...host, ...key, uid: uidOf(own.sender), protocol, port, firstSeenMs }
    const { status, note } = isFirst ? host : this.#judgeLater(contact, host, firstLivedMs)
    store.services.insert({ ...contact, status, firstLivedMs, lastLivedMs, isFirst: isFirst ? 1 : 0 })
    if (isFirst || status === 'baseline') return undefined
    if (status === 'new') store.addNew(own.interface, 1)
    return { ...contact, status, note, novelty: 'service' }
  }

  /** Who sent there first, before anybody asked what is new for services, is known to do so. */
  #judgeLater(contact: Remembered & ServiceKey, host: Remembered, firstLivedMs: number): Verdict {
    return contact.service === host.service
      ? { status: 'baseline', note: null }
      : this.#judge(contact, firstLivedMs)
  }
}

const keyOf = ({ interface: iface, destination }: DestinationKey) => ({ interface: iface, destination })

/** Names of interfaces have no slash. */
const textOf = ({ interface: iface, destination, sender }: Own) =>
  `${iface}/${destination}/${sender.cgroup}/${sender.ingress}`

/** The destination's first packet came earlier, as it is older. */
const timesOf = ({ ageMs, firstSeenMs, firstLivedMs, lastLivedMs }: PlacedContact, own: OwnContact) => ({
  firstSeenMs: firstSeenMs + ageMs - own.ageMs,
  firstLivedMs: firstLivedMs + Math.round(ageMs - own.ageMs),
  lastLivedMs,
})
