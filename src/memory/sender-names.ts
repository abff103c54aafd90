import type { Contact, Sender } from '../kernel/contacts.js'
import { unknown } from '../services/service.js'
import type { FailoverStore } from './failover-store.js'
import type { DestinationKey, NamedSender } from './rows.js'

/** Who sent a packet; undefined: that may be known a second later. */
export type ServiceOf = (sender: Sender) => string | undefined

/** Of a packet without a socket. */
const noCgroup = '0'

/** First senders that are not known yet, as many as the table holds by default; what is more stays unknown. */
const maxWaiting = 65_536

interface Waiting extends DestinationKey {
  readonly sender: Sender
}

/** The names of first senders. One that is not known at once is asked for again. */
export class SenderNames {
  readonly #serviceOf: ServiceOf
  #waiting: Waiting[] = []

  constructor(serviceOf: ServiceOf) {
    this.#serviceOf = serviceOf
  }

  of({ interface: iface, destination, sender }: Contact): NamedSender {
    return {
      service: this.#serviceOf(sender) ?? this.#wait({ interface: iface, destination, sender }),
      uid: sender.cgroup === noCgroup ? null : sender.uid,
    }
  }

  /** Whether there are any to ask for again. */
  get waits(): boolean {
    return this.#waiting.length > 0
  }

  #wait(one: Waiting): string | null {
    if (this.#waiting.length >= maxWaiting) return unknown.service
    this.#waiting.push(one)
    return null
  }

  /**
   * Tells a store of those whose names were not known at first, and are by now.
   *
   * @returns whether there are any
   */
  nameLate(store: Pick<FailoverStore, 'transaction'>): boolean {
    const late: { readonly key: DestinationKey; readonly service: string }[] = []
    this.#waiting = this.#waiting.filter((one) => {
      const service = this.#serviceOf(one.sender)
      if (service !== undefined) late.push({ key: one, service })
      return service === undefined
    })
    if (late.length === 0) return false
    store.transaction((view) => {
      for (const { key, service } of late) view.nameSender(key, service)
    })
    return true
  }
}
