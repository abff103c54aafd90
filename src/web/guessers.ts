import { isIPv6 } from 'node:net'
import { parsePrefix } from '../config/prefix.js'
import { RateLimiter } from './rate-limiter.js'
import { Turns } from './turns.js'

/** Wrong passwords that a client may try: mistypings, and then few enough to make guessing hopeless. */
const wrongPasswords = { intervalMs: 10_000, burst: 10 }
/** Far more than there are clients; those that tried longest ago are forgotten, at about 1 KiB each. */
const maxClients = 1_000

/** What one client, or one network of clients, may still try. */
class Guesser {
  readonly network: string
  readonly attempts = new RateLimiter(wrongPasswords)
  /** Its attempts wait for each other, and so for others one at a time. */
  readonly turns = new Turns()

  constructor(network: string) {
    this.network = network
  }
}

/** Clients that have tried passwords, by address. */
export class Guessers {
  readonly #guessers = new Map<string, Guesser>()

  /** @param address undefined: of a Unix socket, whose clients count as one */
  of(address = ''): Guesser {
    const network = networkOf(address)
    const guesser = this.#guessers.get(network) ?? new Guesser(network)
    this.#guessers.delete(network)
    this.#guessers.set(network, guesser)
    const [oldest] = this.#guessers.keys()
    if (oldest !== undefined && this.#guessers.size > maxClients) this.#guessers.delete(oldest)
    return guesser
  }
}

/** An IPv4 address, or the /64 of an IPv6 address, in which a client has addresses as it likes (RFC 8981). */
function networkOf(address: string): string {
  // A zone tells links apart, and all of fe80::/64 are neighbours.
  const [withoutZone = ''] = address.split('%', 1)
  if (!isIPv6(withoutZone)) return withoutZone
  const { bytes } = parsePrefix(withoutZone)
  return bytes.length === 4 ? bytes.join('.') : bytes.subarray(0, 8).join()
}
