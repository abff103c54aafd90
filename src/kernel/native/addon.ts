import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { PrefixRule } from '../../config/prefix-rules.js'
import { ExitCode, UserError } from '../../errors.js'
import { root } from '../../root.js'
import type { NativeExporter } from './exporter.js'
import type { NativeNames } from './names.js'
import type { Link, NativeInterfaceWatch } from './interfaces.js'
import type { PinFolder } from './pins.js'
import type { AttachedMode, ClsactFilter, Leftover } from './programs.js'
import type { System } from './system.js'

/** What native/node/ exports. */
export interface Addon {
  readonly Exporter: new (options: {
    destinationsLimit: number
    prefixRules: readonly PrefixRule[]
    /** In bits, what destinations are told apart by. */
    ipv4PrefixLength: number
    ipv6PrefixLength: number
    /** Whether packets that answer others' connections make no destination. */
    aggregateReplies: boolean
    /** Services that are told apart; 0: none. */
    servicesLimit: number
    /** A folder on a BPF file system; empty: nothing outlives the process. */
    pinPath: string
    /** What the names of destinations are looked up in; undefined: nothing. */
    names?: NativeNames | undefined
    /** true: goes without what Linux 5.4 lacks; for tests. */
    oldKernel?: boolean
  }) => NativeExporter
  readonly Names: new (limit: number, ipv4PrefixLength: number, ipv6PrefixLength: number) => NativeNames
  readonly InterfaceWatch: new (
    changed: (changes: { readonly links: boolean; readonly defaultRoutes: boolean }) => void,
  ) => NativeInterfaceWatch
  links(): Link[]
  /** Whether there is such an interface now. */
  hasInterface(ifindex: number): boolean
  /** The ports on which TCP sockets listen; throws a NativeError. */
  listeningTcpPorts(): number[]
  /** Interfaces of the default routes of any table and family, by ifindex; takes as long as there are routes. */
  defaultRouteInterfaces(): Promise<number[]>
  /** The clsact filters of this program, on every interface, in use or left behind. */
  leftovers(): Leftover[]
  /** Removes such a filter and nothing else; throws a NativeError. */
  removeLeftover(leftover: Leftover): void
  /** Every folder of pins of this program, in use or left behind. */
  pinFolders(): PinFolder[]
  /** Where BPF file systems are mounted; a path may be among them more than once. */
  bpfFileSystems(): string[]
  /** Removes a folder of pins with what is attached by them; throws a NativeError. */
  removePins(path: string): void
  /** The BPF programs in an interface's TCX egress chain, by id, in the order in which they run. */
  tcxChain(ifindex: number, interfaceName: string): number[]
  /** The qdiscs at the place that clsact and `ingress` share. Only clsact has an egress side. */
  sharedPlaceQdiscs(): { readonly ifindex: number; readonly kind: string }[]
  /** The filters on an interface's clsact qdisc, whoever put them there, in the order in which they run. */
  clsactFilters(ifindex: number): ClsactFilter[]
  /** The name of a BPF program; empty where it cannot be seen (CAP_SYS_ADMIN). */
  programName(programId: number): string
  /** Attaches in a network namespace made for it; throws a NativeError that says why it cannot be done. */
  tryAttach(mode: AttachedMode): void
  /** Whether array maps can be mapped into memory (Linux 5.5 and newer), probed. */
  hasMmapableArrays(): boolean
  /** Whether one system call waits for running programs (not with nohz_full), probed. */
  hasMembarrier(): boolean
  /** Whether this kernel has TCX (Linux 6.6 and newer), probed. */
  tcxSupported(): boolean
  /** What the maps take of the kernel's memory with so many destinations and services; prefix rules come on top. */
  kernelBytes(destinationsLimit: number, servicesLimit: number): number
  /** Of this program's clsact filters, by which they are found at any priority. */
  readonly clsactHandle: number
  /** How many words have a bit for each port. */
  readonly clientPortsWords: number
  /** Such as "1.1". */
  readonly libbpfVersion: string
}

const defaultPath = fileURLToPath(new URL('build/Release/egress.node', root))

/**
 * Loads the native addon.
 *
 * @throws UserError if it is not built, or not for this machine
 */
export function loadAddon(path: string = defaultPath): Addon & System {
  try {
    return createRequire(import.meta.url)(path) as Addon & System
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'MODULE_NOT_FOUND' ? 'it is not built' : message.split('\n')[0]
    throw new UserError(
      `cannot load the native addon ${path}: ${reason}; run npm run build`,
      ExitCode.failed,
      {
        cause: error,
      },
    )
  }
}
