import type { Namespace } from '../support/network.js'

export interface Teardown {
  teardown(action: () => unknown): void
}

/** Two hosts, and between them veth0 and veth1, for which the stack cuts every buffer. */
export interface Ends extends Teardown {
  readonly host: Namespace
  readonly peer: Namespace
  /** Starts a command of send.py that says "ready", until the kind is done. */
  start(end: Namespace, ...command: string[]): Promise<void>
}

export type Family = 'v4' | 'v6'

/** In which way counts may differ; `beneath`: on the device below. */
export type Difference = 'packets' | 'bytes' | 'beneath packets' | 'beneath bytes'

/** Bytes of each packet, or the least and the most. */
export type More = number | readonly [least: number, most: number]

/**
 * A kind of device: how it is made, what is sent, and which witness tells what left.
 *
 * Lines are for `ip -batch`. In them stand {dev} for veth0 or veth1, {l4}, {r4}, {l6}, {r6} for the
 * outer addresses, of this end and the other, and {l}, {r}, {n} for the last number and the network's of
 * those that the device gets: 198.18.{n}.{l} and 2001:db8:a{n}::{l}.
 */
export interface Kind {
  readonly what: string
  /** At both ends, before addresses; at the host, at the peer. */
  readonly both?: readonly string[]
  readonly host?: readonly string[]
  readonly peer?: readonly string[]
  /** At both ends, once the device is up: its neighbours, for one. */
  readonly finish?: readonly string[]
  /** What `ip` cannot; after the lines and before addresses. */
  readonly prepare?: (ends: Ends) => unknown
  /** Whose packets are compared; it gets the addresses, unless it is veth0. */
  readonly device: string
  /** The other end's, if it has another name. */
  readonly peerDevice?: string
  /** The other end has no part in it. */
  readonly alone?: true
  /** Makes a second pair, w0 and w1, like veth0 and veth1 but without addresses; w0 is beneath. */
  readonly pair?: true
  /**
   * Absent: the device's own statistics. A number, or from and to how many: those of the device beneath,
   * where each packet has so many bytes more. `own`: its own, which have so many more. `datagrams`: there
   * is no witness, but what was sent is known, with the bytes of the link header.
   */
  readonly witness?: More | { readonly own: More } | { readonly datagrams: number }
  readonly families?: readonly Family[]
  /** What send.py sends; absent: datagrams, buffers of datagrams, and a TCP connection. */
  readonly traffic?: string
  /** Sends by this device. */
  readonly bind?: string
  /** What is sent first, to the other end's addresses, and not compared. */
  readonly first?: (ends: Ends, to: readonly string[]) => unknown
  /** Sends something else instead. */
  readonly send?: (ends: Ends, to: readonly string[]) => unknown
  /** To be found among the destinations instead of the other end's addresses. */
  readonly destinations?: readonly string[]
  /** Which differences are known, and where they come from. */
  readonly known?: { readonly differences: readonly Difference[]; readonly reason: string }
}
