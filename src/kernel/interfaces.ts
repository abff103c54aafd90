import picomatch from 'picomatch'
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
  /** How it lies among others, by names; each may be empty. */
  readonly place: InterfacePlace
}

/** What a query needs to count a packet once that leaves several devices, one on top of the other. */
export interface InterfacePlace {
  /** Of a virtual one, such as "vlan". */
  readonly kind: string
  /** Of one that a bus device is behind, such as "pci". */
  readonly bus: string
  /** Its bridge, bond or VRF. */
  readonly master: string
  /** The one that it lies on. */
  readonly lower: string
}

/** Which interfaces to count on. */
export interface InterfaceChoice {
  /** Names and globs; empty: the interfaces of the default routes. */
  readonly interfaces: readonly string[]
  /** Names and globs; stronger than `interfaces`. */
  readonly interfacesExclude: readonly string[]
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

type Kernel = Pick<Addon, 'links' | 'defaultRouteInterfaces'>

/** The chosen interfaces that exist now; those whose packets cannot be read are left out. */
export function findInterfaces(kernel: Kernel, choice: InterfaceChoice): EgressInterface[] {
  const links = kernel.links()
  return selectLinks(links, kernel, choice).flatMap((link) => describe(link, links) ?? [])
}

/**
 * The chosen interfaces as the program starts, when a name without an interface is a mistake.
 *
 * @throws UserError if a name does not exist or cannot be read, or if no default route leads anywhere
 */
export function requireInterfaces(kernel: Kernel, choice: InterfaceChoice): EgressInterface[] {
  const links = kernel.links()
  for (const name of choice.interfaces.filter((pattern) => !isGlob(pattern))) {
    const link = links.find((candidate) => candidate.name === name)
    if (!link) throw usageError(`--interface: '${name}' does not exist: this host has ${list(links)}`)
    if (!linkTypeOf(link.type)) {
      throw new UserError(
        `interface '${name}' has link type ${link.type}, whose packets cannot be read: leave it out`,
        ExitCode.unsupported,
      )
    }
  }
  const chosen = selectLinks(links, kernel, choice).flatMap((link) => describe(link, links) ?? [])
  if (chosen.length === 0 && choice.interfaces.length === 0) {
    throw usageError(`no default route leads to an interface: name one with --interface (${list(links)})`)
  }
  return chosen
}

function selectLinks(links: readonly Link[], kernel: Kernel, choice: InterfaceChoice): Link[] {
  const excluded = matcher(choice.interfacesExclude)
  const candidates = links.filter(({ name }) => !excluded(name))
  if (choice.interfaces.length > 0) {
    const included = matcher(choice.interfaces)
    return candidates.filter(({ name }) => included(name))
  }
  const routed = new Set(kernel.defaultRouteInterfaces())
  return candidates.filter(({ ifindex }) => routed.has(ifindex))
}

const isGlob = (pattern: string) => /[*?[{]/.test(pattern)

/** Whether a name is one of the patterns or matches one. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.filter(isGlob)
  const matches = globs.length > 0 ? picomatch(globs) : () => false
  return (name) => patterns.includes(name) || matches(name)
}

/** What is known of a link type; undefined: its packets cannot be read. */
export const linkTypeOf = (type: number): { name: string; ethernet: boolean } | undefined =>
  linkTypes.get(type)

function describe(link: Link, all: readonly Link[]): EgressInterface | undefined {
  const { ifindex, name, type, kind, bus } = link
  const known = linkTypeOf(type)
  const nameOf = (other: number) =>
    other === 0 ? '' : (all.find((candidate) => candidate.ifindex === other)?.name ?? '')
  const place = { kind, bus, master: nameOf(link.master), lower: nameOf(link.lower) }
  return known && { ifindex, name, linkType: known.name, ethernet: known.ethernet, place }
}

/** A host may have thousands; a line shows the first. */
function list(links: readonly Link[]): string {
  const shown = 8
  const names = links.slice(0, shown).map(({ name }) => name)
  return names.join(', ') + (links.length > shown ? `, and ${links.length - shown} more` : '')
}
