import type {
  DestinationKey,
  EventRow,
  NamedContact,
  PlacedContact,
  Remembered,
  ServiceContact,
  Status,
} from './rows.js'
import type { MemoryStore } from './memory-store.js'
import type { Store } from './store.js'

/** What a failing database last held, and over it what came since. */
export class Overlay implements MemoryStore {
  readonly #substitute: Store
  readonly #beneath: Store | undefined
  readonly services: MemoryStore['services'] = {
    update: (key, lastLivedMs) =>
      this.#substitute.services.update(key, lastLivedMs) ||
      (this.#ask((store) => store.services.has(key)) ?? false),
    insert: (contact) => this.#insertService(contact),
  }

  /** @param beneath the database, as far as it can be read */
  constructor(substitute: Store, beneath: Store | undefined) {
    this.#substitute = substitute
    this.#beneath = beneath
  }

  get(iface: string, destination: string): Remembered | undefined {
    return this.#substitute.get(iface, destination) ?? this.#getBeneath(iface, destination)
  }

  insert(contact: NamedContact, status: Status, note: string | null = null): void {
    this.#substitute.insert(contact, status, note)
  }

  nameSender(key: DestinationKey, service: string): void {
    this.#substitute.nameSender(key, service)
  }

  /** What the database remembers catches up when it works again: counters only grow. */
  update(contact: PlacedContact): boolean {
    return (
      this.#substitute.update(contact) ||
      this.#getBeneath(contact.interface, contact.destination) !== undefined
    )
  }

  hasNetwork(network: string): boolean {
    return this.#substitute.hasNetwork(network) || (this.#ask((store) => store.hasNetwork(network)) ?? false)
  }

  addNew(iface: string, count: number): void {
    this.#substitute.addNew(iface, count)
  }

  addEvents(events: readonly EventRow[]): void {
    this.#substitute.addEvents(events)
  }

  /** What is news has its destination beside it. */
  #insertService(contact: ServiceContact): boolean {
    const { interface: iface, destination } = contact
    const beneath = this.#substitute.get(iface, destination)
      ? undefined
      : this.#getBeneath(iface, destination)
    // Whose own news is told beneath.
    if (beneath) this.#substitute.remember({ ...beneath, status: 'baseline' })
    return this.#substitute.services.insert(contact)
  }

  #getBeneath(iface: string, destination: string): Remembered | undefined {
    return this.#ask((store) => store.get(iface, destination))
  }

  /** @returns undefined also where the database fails, which is known */
  #ask<T>(question: (store: Store) => T): T | undefined {
    try {
      return this.#beneath && question(this.#beneath)
    } catch {
      return undefined
    }
  }
}
