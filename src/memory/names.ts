import type { Contact } from '../kernel/contacts.js'
import type { FailoverStore } from './failover-store.js'
import { NetworkNames, type NetworkSource } from './network-names.js'
import type { MemoryStore } from './memory-store.js'
import type { DestinationKey, Names } from './rows.js'
import { SenderNames, type ServiceOf } from './sender-names.js'

/** What the kernel does not know of a contact: who sent it, what led to it, and what its destination belongs to. */
export class NameFinder {
  readonly #senders: SenderNames
  readonly #networks: NetworkNames

  constructor(serviceOf: ServiceOf, networks: NetworkSource) {
    this.#senders = new SenderNames(serviceOf)
    this.#networks = new NetworkNames(networks)
  }

  /** @param known what is remembered so far */
  of(contact: Contact, known: Pick<MemoryStore, 'hasNetwork'>): Names {
    const network = this.#networks.of(contact.destination)
    return {
      ...this.#senders.of(contact),
      name: contact.askedName ?? null,
      ...network,
      novelty: this.#networks.noveltyOf(network, known),
    }
  }

  /** False: it is announced a second later, since an alert whose labels change would fire twice. */
  isNamed(key: DestinationKey): boolean {
    return this.#senders.isNamed(key)
  }

  /** Whether there is more to ask for again. */
  get waits(): boolean {
    return this.#senders.waits || this.#networks.waits
  }

  /**
   * Tells a store of what was not known at first, or is another by now.
   *
   * @returns whether there is anything
   */
  findLate(store: Pick<FailoverStore, 'generation' | 'transaction'>): boolean {
    const reviewed = this.#networks.review(store)
    return this.#senders.nameLate(store) || reviewed
  }
}
