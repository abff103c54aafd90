import { type NamePattern, parseNamePattern, readName } from '../config/name-pattern.js'
import type { Settings } from '../config/settings.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import type { Link } from './native/interfaces.js'
import type { AttachedMode } from './native/programs.js'
import type { DefaultRoutes } from './default-routes.js'

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

/** An interface that is to be counted on. */
export interface FollowedInterface extends EgressInterface {
  /** How the program is attached to it; undefined while it is not. */
  readonly mode: AttachedMode | undefined
  /** How many programs of others run before it there, and may end the chain. */
  readonly programsBefore: number
}

/** The interface alone, without what is known of following it. */
export function identity({ name, ifindex, linkType, ethernet, place }: EgressInterface): EgressInterface {
  return { name, ifindex, linkType, ethernet, place }
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
export type InterfaceChoice = Pick<Settings, 'interfaces' | 'interfacesExclude' | 'interfaceMissing'>

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

/** The chosen interfaces among those that exist now; those whose packets cannot be read are left out. */
export async function findInterfaces(
  links: readonly Link[],
  routes: Pick<DefaultRoutes, 'find'>,
  choice: InterfaceChoice,
): Promise<EgressInterface[]> {
  return (await selectLinks(links, routes, choice)).flatMap((link) => describe(link, links) ?? [])
}

/** The names among the chosen ones that no interface has. */
export function missingNames(links: readonly Link[], choice: InterfaceChoice): string[] {
  const excluded = matcher(choice.interfacesExclude)
  return choice.interfaces.filter((text) => {
    const { name } = compile(text)
    if (name === undefined || links.some((link) => namesOf(link).includes(name))) return false
    return !excluded([name])
  })
}

/** Whether an interface was named, and not only matched. */
export function isNamed({ name }: EgressInterface, choice: InterfaceChoice): boolean {
  return choice.interfaces.some((text) => compile(text).name === readName(name))
}

/**
 * The chosen interfaces as the program starts, when a name without an interface is a mistake, unless the
 * settings say that it may come later.
 *
 * @throws UserError if a name does not exist or cannot be read, or if no default route leads anywhere
 */
export async function requireInterfaces(
  links: readonly Link[],
  routes: Pick<DefaultRoutes, 'find'>,
  choice: InterfaceChoice,
): Promise<EgressInterface[]> {
  const [missing] = missingNames(links, choice)
  if (missing !== undefined && choice.interfaceMissing === 'refuse') {
    throw usageError(
      `--interface: '${missing}' does not exist: this host has ${list(links)}; --interface.missing=wait waits for it`,
    )
  }
  for (const { name } of choice.interfaces.map(compile)) {
    const link = links.find((candidate) => name !== undefined && namesOf(candidate).includes(name))
    if (link && !linkTypeOf(link.type)) {
      throw new UserError(
        `interface '${link.name}' has link type ${link.type}, whose packets cannot be read: leave it out`,
        ExitCode.unsupported,
      )
    }
  }
  const chosen = await findInterfaces(links, routes, choice)
  if (chosen.length === 0 && choice.interfaces.length === 0 && choice.interfaceMissing === 'refuse') {
    throw usageError(
      `no default route leads to an interface: name one with --interface (${list(links)}), or wait for one with --interface.missing=wait`,
    )
  }
  return chosen
}

async function selectLinks(
  links: readonly Link[],
  routes: Pick<DefaultRoutes, 'find'>,
  choice: InterfaceChoice,
): Promise<Link[]> {
  const excluded = matcher(choice.interfacesExclude)
  const candidates = links.filter((link) => !excluded(namesOf(link)))
  if (choice.interfaces.length > 0) {
    const included = matcher(choice.interfaces)
    return candidates.filter((link) => included(namesOf(link)))
  }
  const routed = await routes.find(links)
  return candidates.filter(({ ifindex }) => routed.has(ifindex))
}

/** All names of an interface, any of which may be meant. */
const namesOf = ({ name, altnames }: Link): string[] => [name, ...altnames].map(readName)

const compiled = new Map<string, NamePattern>()

/** The settings have seen to it that it is one. A few are used again and again. */
function compile(text: string): NamePattern {
  const pattern = compiled.get(text) ?? parseNamePattern(text)
  compiled.set(text, pattern)
  return pattern
}

/** Whether one of the names matches one of the patterns. */
function matcher(texts: readonly string[]): (names: readonly string[]) => boolean {
  const patterns = texts.map(compile)
  return (names) => patterns.some((pattern) => names.some((name) => pattern.matches(name)))
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
