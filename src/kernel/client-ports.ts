import { readFileSync } from 'node:fs'
import { isNativeError } from './native-error.js'
import type { Addon } from './native/addon.js'

/** What the kernel gives where nobody changed it (net/ipv4/af_inet.c). */
const usualRange = [32768, 60999] as const

/**
 * The source ports that say that this host called, as bits: of TCP those of the ephemeral range on
 * which nobody listens, of other protocols the ephemeral range.
 */
export function findClientPorts(
  addon: Pick<Addon, 'listeningTcpPorts' | 'clientPortsWords'>,
): BigUint64Array<ArrayBuffer> {
  const words = addon.clientPortsWords
  const [first, last] = ephemeralRange()
  const bits = new BigUint64Array(2 * words)
  const set = (port: number, table: number, own: boolean) => {
    const word = table * words + (port >> 6)
    const bit = 1n << BigInt(port & 63)
    bits[word] = own ? (bits[word] ?? 0n) | bit : (bits[word] ?? 0n) & ~bit
  }
  for (let port = first; port <= last; port++) {
    set(port, 0, true)
    set(port, 1, true)
  }
  for (const port of listeningPorts(addon)) set(port, 0, false)
  return bits
}

function ephemeralRange(): readonly [first: number, last: number] {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [, first, last] = /^(\d+)\s+(\d+)\s*$/.exec(text) ?? []
    return first && last ? [Number(first), Number(last)] : usualRange
  } catch {
    return usualRange // a container may hide it
  }
}

function listeningPorts(addon: Pick<Addon, 'listeningTcpPorts'>): number[] {
  try {
    return addon.listeningTcpPorts()
  } catch (error) {
    // A kernel without sock_diag: the range alone decides.
    if (isNativeError(error)) return []
    throw error
  }
}
