import { release } from 'node:os'
import { RecentMap } from './recent-map.js'
import { findCgroupMount, isInRoot } from './cgroup-mount.js'
import { CgroupTree } from './cgroup-tree.js'
import { HostFiles } from './host-files.js'
import { forwarded, kernel, type Service, unknown } from './service.js'
import { nameService } from './service-name.js'

export interface ServicesOptions {
  /** Whether instances of a template, `postgresql@15-main.service`, are one service. */
  readonly foldTemplates?: boolean
  /** A sentence for the log, once for each thing that goes wrong. */
  readonly warn?: (words: string) => void
  /** Where procfs is, and where the host's files. */
  readonly proc?: string
  readonly host?: string
  /** As uname has it. */
  readonly kernelRelease?: string
  /** Of a clock that only goes forward. */
  readonly nowMs?: () => number
}

/** A name holds as long as it is asked for, whatever a runtime writes to its files meanwhile. */
const rememberedServices = 4_096

/** Names of senders. It walks the cgroup2 mount and reads files: for a thread that may block. */
export class Services {
  readonly #tree: CgroupTree
  readonly #files: HostFiles
  readonly #foldTemplates: boolean
  readonly #proc: string
  #root: Service | undefined
  readonly #named = new RecentMap<bigint, Service>(rememberedServices)

  constructor(options: ServicesOptions = {}) {
    const { foldTemplates = false, warn = () => undefined, proc = '/proc', host = '/' } = options
    const { kernelRelease = release(), nowMs = () => performance.now() } = options
    this.#foldTemplates = foldTemplates
    this.#proc = proc
    this.#files = new HostFiles(host, nowMs)
    const findMount = () => findCgroupMount(proc)
    this.#tree = new CgroupTree({ findMount, generations: hasGenerations(kernelRelease), warn, nowMs })
  }

  /**
   * What is known of a sender; undefined: a second later more may be.
   *
   * @param cgroupId of its socket, as bpf_skb_cgroup_id() has it; 0: the packet has no socket here
   * @param ingress the interface that the packet came in by, as names of interfaces are shown; empty: none,
   *   this host made it
   */
  describe(cgroupId: bigint, ingress: string): Service | undefined {
    if (cgroupId === 0n) return ingress === '' ? kernel : forwarded(ingress)
    if (this.#tree.isRoot(cgroupId)) return (this.#root ??= this.#nameRoot())
    const named = this.#named.get(cgroupId)
    if (named !== undefined) return named
    const found = this.#tree.find(cgroupId)
    if (found === 'later') return undefined
    if (found === 'gone') return ingress === '' ? unknown : forwarded(ingress)
    const service = nameService(found.path, this.#files, this.#foldTemplates)
    this.#named.set(cgroupId, service)
    return service
  }

  /** In the root are the kernel's own sockets, and where there is no cgroup2, all of them. */
  #nameRoot(): Service {
    const mount = findCgroupMount(this.#proc)
    if (!mount) return unknown
    return isInRoot(this.#proc, mount) ? nameService('/', this.#files) : kernel
  }
}

function hasGenerations(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => parseInt(part, 10))
  return major < 5 || (major === 5 && minor < 5)
}
