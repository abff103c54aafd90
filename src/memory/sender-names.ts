import type { Contact, Sender } from '../kernel/contacts.js'
import { other, unknown } from '../services/service.js'
import type { FailoverStore } from './failover-store.js'
import type { DestinationKey, NamedSender } from './rows.js'

/** Who sent a packet; undefined: that may be known a second later. */
export type ServiceOf = (sender: Sender) => string | undefined

/** Of a packet without a socket. */
const noCgroup = '0'

/** First senders that are not known yet, as many as the table holds by default; what is more stays unknown. */
const maxWaiting = 65_536

/** The user of a sender's socket; null: it has none that is known. */
export const uidOf = ({ cgroup, uid }: Sender): number | null => (cgroup === noCgroup ? null : uid)

interface Waiting extends DestinationKey {
  readonly sender: Sender
}

/** Names of interfaces have no slash. */
const textOf = ({ interface: iface, destination }: DestinationKey) => `${iface}/${destination}`

/** The names of first senders. One that is not known at once is asked for again. */
export class SenderNames {
  readonly #serviceOf: ServiceOf
  readonly #waiting = new Map<string, Waiting>()

  constructor(serviceOf: ServiceOf) {
    this.#serviceOf = serviceOf
  }

  of({ interface: iface, destination, sender, ageMs, own }: Contact): NamedSender {
    // The name of a cgroup that is gone may be known from pins.
    const known = own?.ageMs === ageMs && own.service !== other ? own.service : ''
    return {
      service: known || (this.#serviceOf(sender) ?? this.#wait({ interface: iface, destination, sender })),
      uid: uidOf(sender),
    }
  }

  /** Whether there are any to ask for again. */
  get waits(): boolean {
    return this.#waiting.size > 0
  }

  /** False: it is announced a second later, since an alert whose labels change would fire twice. */
  isNamed(key: DestinationKey): boolean {
    return !this.#waiting.has(textOf(key))
  }

  #wait(one: Waiting): string | null {
    if (this.#waiting.size >= maxWaiting) return unknown.service
    this.#waiting.set(textOf(one), one)
    return null
  }

  /**
   * Tells a store of those whose names were not known at first, and are by now.
   *
   * @returns whether there are any
   */
  nameLate(store: Pick<FailoverStore, 'transaction'>): boolean {
    const late: { readonly key: DestinationKey; readonly service: string }[] = []
    for (const [text, one] of this.#waiting) {
      const service = this.#serviceOf(one.sender)
      if (service === undefined) continue
      this.#waiting.delete(text)
      late.push({ key: one, service })
    }
    if (late.length === 0) return false
    store.transaction((view) => {
      for (const { key, service } of late) view.nameSender(key, service)
    })
    return true
  }
}
