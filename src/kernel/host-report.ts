import { accessSync, constants } from 'node:fs'
import { release } from 'node:os'
import type { BpfMode } from '../config/options.js'
import { UserError } from '../errors.js'
import { describeServices } from '../services/known-here.js'
import { isNativeError } from './native-error.js'
import { type Addon, loadAddon } from './native/addon.js'
import type { AttachedMode, ClsactFilter } from './native/programs.js'
import { type Capability, heldCapabilities, missingCapabilities } from './capabilities.js'
import { explain, explainQdisc } from './explain.js'
import { linkTypeOf } from './interfaces.js'
import { findLeftovers, type Leftover as FoundLeftover } from './leftovers.js'

/** A feature of the kernel, found out by using it. */
export interface Feature {
  readonly name: string
  /** Absent: it could not be tried. */
  readonly available?: boolean
  /** What depends on it. */
  readonly use: string
  /** Why it is not available, or could not be tried. */
  readonly reason?: string
}

/** A program or filter at an interface's egress. */
export interface EgressProgram {
  readonly attached: AttachedMode
  /** Of a clsact filter; filters run from the lowest on. */
  readonly priority?: number
  /** 0: a filter that is not BPF. */
  readonly programId: number
  /** Its own, or of a filter that is not BPF its kind. */
  readonly name: string
  /** Whether it is this program's, of a running exporter or left behind. */
  readonly ours: boolean
}

export interface InterfaceReport {
  readonly name: string
  readonly ifindex: number
  readonly linkType: string
  readonly defaultRoute: boolean
  /** How the program would hang there; absent: it cannot. */
  readonly mode?: AttachedMode
  /** Why it cannot, where that is this interface's own matter. */
  readonly obstacle?: string
  /** Whether its TCX programs can be seen; that takes CAP_NET_ADMIN. */
  readonly visible: boolean
  /** In the order in which they run. */
  readonly programs: readonly EgressProgram[]
  /** Whether one of them runs before this program, or would, and could hide packets. */
  readonly hidden: boolean
}

export interface Leftover {
  readonly what: string
  /** The process that uses it; absent: none. */
  readonly usedBy?: number
}

/** What this host can do for the exporter, and what is on it. */
export interface HostReport {
  readonly kernel: string
  readonly libbpf: string
  /** Whether the exporter can count here. */
  readonly usable: boolean
  readonly features: readonly Feature[]
  readonly privileges: { readonly held: readonly Capability[]; readonly missing: readonly Capability[] }
  readonly bpffs: readonly { readonly path: string; readonly writable: boolean }[]
  /** Whether they can be told apart here, in a sentence. */
  readonly services: string
  readonly interfaces: readonly InterfaceReport[]
  readonly leftovers: readonly Leftover[]
}

/** Looks at this host, and changes nothing on it. */
export async function reportHost(bpfMode: BpfMode, addon: Addon = loadAddon()): Promise<HostReport> {
  const program = probeProgram(addon)
  const [tcx, clsact] = (['tcx', 'clsact'] as const).map((mode) => probeAttachment(mode, addon))
  const features = [
    program,
    feature('tcx', 'attaching before all others, and nothing left behind (Linux 6.6)', tcx),
    feature('clsact', 'attaching where there is no TCX', clsact),
    probe('mmapable arrays', 'reading without system calls, and pins (Linux 5.5)', () =>
      addon.hasMmapableArrays(),
    ),
    probe('membarrier', 'waiting for running programs without a pause (not with nohz_full)', () =>
      addon.hasMembarrier(),
    ),
  ]
  const mode = chooseMode(bpfMode, tcx?.available !== false && addon.tcxSupported())
  const attachable = (mode === 'tcx' ? tcx : clsact)?.available !== false
  const usable = program.available === true && attachable
  return {
    kernel: release(),
    libbpf: addon.libbpfVersion,
    usable,
    features,
    privileges: {
      held: heldCapabilities(),
      missing: missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON']),
    },
    bpffs: Array.from(new Set(addon.bpfFileSystems()), (path) => ({ path, writable: isWritable(path) })),
    services: describeServices(),
    interfaces: await reportInterfaces(usable ? mode : undefined, addon),
    leftovers: Array.from(findLeftovers(addon), reportLeftover),
  }
}

const chooseMode = (wanted: BpfMode, tcx: boolean): AttachedMode =>
  wanted === 'auto' ? (tcx ? 'tcx' : 'clsact') : wanted

interface Outcome {
  readonly available?: boolean
  readonly reason?: string
}

const feature = (name: string, use: string, outcome: Outcome = {}): Feature => ({ name, use, ...outcome })

/** Only what the kernel refuses is an answer; other errors are not expected. */
function probe(name: string, use: string, attempt: () => boolean): Feature {
  try {
    return { name, use, available: attempt() }
  } catch (error) {
    if (!isNativeError(error)) throw error
    return { name, use, reason: reasonOf(error) }
  }
}

const reasonOf = (error: unknown): string => {
  const explained = explain(error)
  return explained instanceof UserError ? explained.message : String(error)
}

function probeProgram(addon: Addon): Feature {
  const use = 'counting: the kernel takes this program'
  try {
    new addon.Exporter({
      destinationsLimit: 1,
      prefixRules: [],
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      aggregateReplies: false,
      servicesLimit: 0,
      pinPath: '',
    }).close()
    return { name: 'program', use, available: true }
  } catch (error) {
    if (!isNativeError(error)) throw error
    return { name: 'program', use, available: false, reason: reasonOf(error) }
  }
}

function probeAttachment(mode: AttachedMode, addon: Addon): Outcome {
  try {
    addon.tryAttach(mode)
    return { available: true }
  } catch (error) {
    if (!isNativeError(error)) throw error
    if (error.operation === 'make namespace') {
      if (mode === 'tcx' && !addon.tcxSupported()) return { available: false }
      return { reason: 'not tried: making a network namespace for it needs CAP_SYS_ADMIN' }
    }
    return { available: false, reason: reasonOf(error) }
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false // why does not matter here
  }
}

async function reportInterfaces(mode: AttachedMode | undefined, addon: Addon): Promise<InterfaceReport[]> {
  const routed = new Set(await addon.defaultRouteInterfaces())
  const qdiscs = new Map(addon.sharedPlaceQdiscs().map(({ ifindex, kind }) => [ifindex, kind]))
  return addon.links().map(({ name, ifindex, type }) => {
    const linkType = linkTypeOf(type)
    const qdisc = qdiscs.get(ifindex)
    const chain = tcxChain(ifindex, name, addon)
    const tcx = (chain ?? []).map((programId): EgressProgram => {
      const programName = addon.programName(programId)
      return { attached: 'tcx', programId, name: programName, ours: programName.startsWith('egress_') }
    })
    const clsact =
      qdisc === 'clsact'
        ? addon.clsactFilters(ifindex).map((filter) => describeFilter(filter, addon.clsactHandle))
        : []
    const obstacle = mode === 'clsact' && qdisc !== undefined && qdisc !== 'clsact'
    return {
      name,
      ifindex,
      linkType: linkType?.name ?? `ARPHRD ${type}`,
      defaultRoute: routed.has(ifindex),
      ...(linkType && mode && !obstacle && { mode }),
      ...(obstacle && { obstacle: explainQdisc(name) }),
      visible: chain !== undefined,
      programs: [...tcx, ...clsact],
      hidden: mode !== undefined && isHidden(mode, tcx, clsact),
    }
  })
}

const describeFilter = (
  { priority, handle, programId, kind, name }: ClsactFilter,
  ownHandle: number,
): EgressProgram => ({
  attached: 'clsact',
  priority,
  programId,
  name: name === '' ? kind : name,
  ours: name.startsWith('egress_') && handle === ownHandle,
})

/** It goes to the head of its chain; what is there already may have come before it since. */
function isHidden(
  mode: AttachedMode,
  tcx: readonly EgressProgram[],
  clsact: readonly EgressProgram[],
): boolean {
  const beforeOurs = (chain: readonly EgressProgram[]) => {
    const own = chain.findIndex(({ ours }) => ours)
    return own > 0
  }
  if (mode === 'tcx') return beforeOurs(tcx)
  const first = clsact.some(({ ours }) => ours) ? beforeOurs(clsact) : clsact.some(isFirst)
  return tcx.some(({ ours }) => !ours) || first
}

/** It does not go before one at priority 1, unless that takes another BPF filter beside it. */
const isFirst = ({ priority, programId }: EgressProgram): boolean => priority === 1 && programId === 0

function tcxChain(ifindex: number, name: string, addon: Addon): number[] | undefined {
  try {
    return addon.tcxChain(ifindex, name)
  } catch (error) {
    if (isNativeError(error) && error.code === 'EPERM') return undefined
    throw error
  }
}

function reportLeftover({ name, findHolder }: FoundLeftover): Leftover {
  const usedBy = tryFind(findHolder)
  return { what: name, ...(usedBy !== undefined && { usedBy }) }
}

/** Who may not look into other processes sees what is there without its owner. */
function tryFind(findHolder: () => number | undefined): number | undefined {
  try {
    return findHolder()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined
    throw error
  }
}
