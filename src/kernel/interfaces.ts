import { ExitCode, UserError, usageError } from '../errors.js'
import type { Addon, Link } from './addon.js'

/** An interface that can be counted on. */
export interface EgressInterface {
  readonly ifindex: number
  readonly name: string
  /** The label value `link_type`. */
  readonly linkType: string
  /** Whether its frames begin with an Ethernet header; else they begin with the IP header. */
  readonly ethernet: boolean
}

/** Link types by ARPHRD_* (include/uapi/linux/if_arp.h). */
const linkTypes = new Map<number, { name: string; ethernet: boolean }>([
  [1, { name: 'ether', ethernet: true }],
  [772, { name: 'loopback', ethernet: true }],
  [512, { name: 'ppp', ethernet: false }],
  [519, { name: 'rawip', ethernet: false }],
  [768, { name: 'ipip', ethernet: false }],
  [769, { name: 'tunnel6', ethernet: false }],
  [776, { name: 'sit', ethernet: false }],
  [778, { name: 'gre', ethernet: false }],
  [823, { name: 'gre6', ethernet: false }],
  [65534, { name: 'none', ethernet: false }], // tun, WireGuard
])

/**
 * Finds the interfaces to count on: those named, or those of the default routes.
 *
 * @throws UserError if one does not exist or has a link type that the program cannot read, or if there
 *   is none to choose
 */
export function chooseInterfaces(
  addon: Pick<Addon, 'links' | 'defaultRouteInterfaces'>,
  names: readonly string[],
): EgressInterface[] {
  const links = addon.links()
  if (names.length > 0) return names.map((name) => describe(findByName(links, name)))

  const routed = addon.defaultRouteInterfaces()
  const chosen = links.filter(({ ifindex }) => routed.includes(ifindex))
  if (chosen.length === 0) {
    throw usageError(`no default route leads to an interface: name one with --interface (${list(links)})`)
  }
  return chosen.map(describe)
}

function findByName(links: readonly Link[], name: string): Link {
  const link = links.find((candidate) => candidate.name === name)
  if (!link) throw usageError(`--interface: '${name}' does not exist: this host has ${list(links)}`)
  return link
}

function describe({ ifindex, name, type }: Link): EgressInterface {
  const known = linkTypes.get(type)
  if (!known) {
    throw new UserError(
      `interface '${name}' has link type ${type}, whose packets cannot be read: leave it out with --interface`,
      ExitCode.unsupported,
    )
  }
  return { ifindex, name, linkType: known.name, ethernet: known.ethernet }
}

/** A host may have thousands; a line shows the first. */
function list(links: readonly Link[]): string {
  const shown = 8
  const names = links.slice(0, shown).map(({ name }) => name)
  return names.join(', ') + (links.length > shown ? `, and ${links.length - shown} more` : '')
}
