import type { Settings } from '../config/settings.js'
import type { Logger } from '../log.js'
import type { Addon, AttachedMode, Hanging, NativeExporter, NativeInterfaceWatch } from './addon.js'
import { explain } from './explain.js'
import { type EgressInterface, findInterfaces, requireInterfaces } from './interfaces.js'

/** An interface that is to be counted on. */
export interface FollowedInterface extends EgressInterface {
  /** How the program hangs on it; undefined while it does not. */
  readonly mode: AttachedMode | undefined
}

interface Followed extends FollowedInterface {
  /** How often it was lost, or could not be had, since it last held for a while. */
  readonly failures: number
  /** In ms since the epoch: when it was attached, or before when it is not tried again. */
  readonly since: number
}

export type FollowerSettings = Pick<Settings, 'interfaces' | 'interfacesExclude' | 'bpfMode'>
export type FollowerLog = Pick<Logger, 'info' | 'warn'>

/** TCX links go without a word from the kernel, so attachments are looked at this often. */
const checkIntervalMs = 5_000
/** Back-off: the first wait, doubled with each further failure up to the most, until one holds that long. */
const retryFirstMs = 1_000
const retryMostMs = 60_000
/** How long the last counts of a departed interface are shown. */
const departedVisibleMs = 5 * 60_000

/** The interface alone, without what is known of following it. */
function identity({ name, ifindex, linkType, ethernet, place }: EgressInterface): EgressInterface {
  return { name, ifindex, linkType, ethernet, place }
}

/**
 * Keeps the program attached to the chosen interfaces while they come, go and are renamed, and while
 * others remove what it attached. Whatever happens, it compares what should be with what is.
 */
export class InterfaceFollower {
  readonly #addon: Addon
  readonly #exporter: NativeExporter
  #settings: FollowerSettings
  readonly #log: FollowerLog
  readonly #followed = new Map<number, Followed>()
  /** Warned of already: interfaces where others run first. */
  readonly #behind = new Map<number, string>()
  readonly #watch: NativeInterfaceWatch
  readonly #timer: NodeJS.Timeout
  #comparing: Promise<void> | undefined
  #again = false
  #closed = false

  /**
   * Attaches to the chosen interfaces and follows them from then on.
   *
   * @throws UserError or NativeError if one of them cannot be had at the start
   */
  constructor(addon: Addon, exporter: NativeExporter, settings: FollowerSettings, log: FollowerLog) {
    this.#addon = addon
    this.#exporter = exporter
    this.#settings = settings
    this.#log = log
    // Heard from before the first look, so that nothing is missed in between.
    this.#watch = new addon.InterfaceWatch((defaultRoutes) => {
      if (!defaultRoutes || this.#settings.interfaces.length === 0) this.#compare()
    })
    try {
      for (const link of requireInterfaces(addon, settings)) this.#attach(link)
    } catch (error) {
      this.#watch.close()
      throw error
    }
    if (this.#followed.size === 0) {
      log.warn({ interface: settings.interfaces.join(',') }, 'no interface matches yet')
    }
    this.#timer = setInterval(() => this.#compare(), checkIntervalMs).unref()
    // At once where an earlier run, whose pins were adopted, counted on more.
    if (exporter.adopted().length > 0) this.#compare()
  }

  /** The chosen interfaces that exist, by ifindex. */
  get interfaces(): readonly FollowedInterface[] {
    return [...this.#followed.values()]
  }

  /** Chooses interfaces anew; how to attach to them stays. */
  reload({ interfaces, interfacesExclude }: FollowerSettings): void {
    this.#settings = { ...this.#settings, interfaces, interfacesExclude }
    this.#compare()
  }

  /** Stops following; what is attached stays so. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#watch.close()
  }

  /** A call, since TypeScript takes a field for unchanged across an await. */
  #isClosed(): boolean {
    return this.#closed
  }

  /** Compares now, or once more as soon as a comparison under way has ended. */
  #compare(): void {
    if (this.#comparing) {
      this.#again = true
      return
    }
    this.#comparing = this.#compareOnce()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'cannot follow interfaces'))
      .finally(() => {
        this.#comparing = undefined
        if (!this.#again) return
        this.#again = false
        this.#compare()
      })
  }

  async #compareOnce(): Promise<void> {
    if (this.#isClosed()) return
    const wanted = new Map(findInterfaces(this.#addon, this.#settings).map((link) => [link.ifindex, link]))
    // All departures first: a name that moved to another device must be free before it is taken.
    const gone = [...this.#followed.values()].filter(({ ifindex, name, linkType }) => {
      const link = wanted.get(ifindex)
      return link?.name !== name || link.linkType !== linkType
    })
    const stale = this.#exporter.adopted().filter(({ ifindex }) => !wanted.has(ifindex))
    if (gone.length + stale.length > 0) await this.#depart([...gone, ...stale])
    if (this.#isClosed()) return
    for (const name of this.#exporter.forgetDeparted(departedVisibleMs)) {
      this.#log.info({ interface: name }, 'forgot the last counts of this interface')
    }
    for (const link of wanted.values()) {
      const current = this.#followed.get(link.ifindex)
      if (current) this.#keepAttached({ ...current, place: link.place })
      else this.#tryAttach(link, 0)
    }
  }

  async #depart(gone: readonly Pick<Followed, 'name' | 'ifindex'>[]): Promise<void> {
    for (const { ifindex } of gone) this.#followed.delete(ifindex)
    await this.#exporter.detach(gone.map(({ ifindex }) => ifindex))
    if (this.#isClosed()) return
    for (const { name, ifindex } of gone) {
      this.#behind.delete(ifindex)
      this.#log.info({ interface: name, ifindex }, 'interface is gone: its last counts stay for 5 minutes')
    }
  }

  /** Attaches, for the first time or again. Throws what the kernel says. */
  #attach(link: EgressInterface, failures = 0): void {
    const mode = this.#exporter.attach(link.ifindex, link.name, link.ethernet, this.#settings.bpfMode)
    const { name, ifindex, linkType } = link
    this.#followed.set(ifindex, { ...identity(link), mode, failures, since: Date.now() })
    this.#log.info(
      { interface: name, ifindex, link_type: linkType, mode },
      'counting what leaves this interface',
    )
    this.#warnIfBehind(link, this.#exporter.hanging(ifindex))
  }

  /** Other programs that run first may end the chain, so that this one never sees the packet. */
  #warnIfBehind({ name, ifindex }: EgressInterface, hanging: Hanging | undefined): void {
    const programs = hanging?.before.join(',') ?? ''
    if (programs === (this.#behind.get(ifindex) ?? '')) return
    this.#behind.set(ifindex, programs)
    if (programs === '') return
    const remedy = hanging?.mode === 'clsact' ? ': --bpf.mode=auto or tcx goes before them' : ''
    this.#log.warn(
      { interface: name, ifindex, programs },
      `TCX programs of others run first here and may hide packets${remedy}`,
    )
  }

  #tryAttach(link: EgressInterface, failures: number): void {
    try {
      this.#attach(link, failures)
    } catch (error) {
      this.#retryLater(link, failures, explain(error) as Error)
    }
  }

  #keepAttached(current: Followed): void {
    const now = Date.now()
    if (current.mode === undefined) {
      if (now >= current.since) this.#tryAttach(current, current.failures)
      return
    }
    const hanging = this.#exporter.hanging(current.ifindex)
    if (!hanging) {
      this.#retryLater(current, current.failures, new Error('somebody removed the program'))
      return
    }
    this.#warnIfBehind(current, hanging)
    const failures = now - current.since > retryMostMs ? 0 : current.failures
    this.#followed.set(current.ifindex, { ...current, failures })
  }

  #retryLater(link: EgressInterface, failures: number, reason: Error): void {
    const waitMs = Math.min(retryFirstMs * 2 ** failures, retryMostMs)
    const { name, ifindex } = link
    const since = Date.now() + waitMs
    this.#followed.set(ifindex, { ...identity(link), mode: undefined, failures: failures + 1, since })
    setTimeout(() => this.#compare(), waitMs).unref()
    const wait = { retry_seconds: waitMs / 1000 }
    this.#log.warn(
      { interface: name, ifindex, reason: reason.message, ...wait },
      'not attached to this interface',
    )
  }
}
