import type { Contact, Sender } from '../kernel/contacts.js'
import type { FailoverStore } from './failover-store.js'
import type { NamedSender } from './rows.js'

/** Who sent a packet; undefined: that may be known a second later. */
export type ServiceOf = (sender: Sender) => string | undefined

/** Of a packet without a socket. */
const noCgroup = '0'

/** First senders that are not known yet; beyond these, they stay unknown. */
const maxWaiting = 4_096

/** The names of first senders. One that is not known at once is asked for again. */
export class SenderNames {
  readonly #serviceOf: ServiceOf
  #waiting: Contact[] = []

  constructor(serviceOf: ServiceOf) {
    this.#serviceOf = serviceOf
  }

  of(contact: Contact): NamedSender {
    const { cgroup, uid } = contact.sender
    const service = this.#serviceOf(contact.sender) ?? null
    if (service === null && this.#waiting.length < maxWaiting) this.#waiting.push(contact)
    return { service, uid: cgroup === noCgroup ? null : uid }
  }

  /**
   * Tells a store of those whose names were not known at first, and are by now.
   *
   * @returns whether there are any
   */
  nameLate(store: Pick<FailoverStore, 'transaction'>): boolean {
    const late: { readonly contact: Contact; readonly service: string }[] = []
    this.#waiting = this.#waiting.filter((contact) => {
      const service = this.#serviceOf(contact.sender)
      if (service !== undefined) late.push({ contact, service })
      return service === undefined
    })
    if (late.length === 0) return false
    store.transaction((view) => {
      for (const { contact, service } of late) view.nameSender(contact, service)
    })
    return true
  }
}
