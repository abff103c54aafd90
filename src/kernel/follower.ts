import type { Settings } from '../config/settings.js'
import { ExitCode, UserError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Addon } from './native/addon.js'
import type { NativeExporter } from './native/exporter.js'
import type { NativeInterfaceWatch } from './native/interfaces.js'
import { attach, isOccupied } from './attach.js'
import type { ChosenInterfaces } from './chosen-interfaces.js'
import { DefaultRoutes } from './default-routes.js'
import { explain } from './explain.js'
import {
  type EgressInterface,
  type FollowedInterface,
  findInterfaces,
  identity,
  isNamed,
  missingNames,
  requireInterfaces,
} from './interfaces.js'
import { Predecessors } from './predecessors.js'
import { UncountedTime } from './uncounted-time.js'

interface Followed extends FollowedInterface {
  /** How often it was lost, or could not be had, since it last held for a while. */
  readonly failures: number
  /** By performance.now(), as the next: when it was attached, or before when it is not tried again. */
  readonly since: number
  /** When it was last seen to hang, or else first seen. */
  readonly seen: number
  /** Why it is not attached. */
  readonly reason?: string
}

export type FollowerSettings = Pick<
  Settings,
  'interfaces' | 'interfacesExclude' | 'interfaceMissing' | 'bpfMode'
>
export type FollowerLog = Pick<Logger, 'info' | 'warn'>

/** TCX links go without a word from the kernel, so attachments are looked at this often. */
const checkIntervalMs = 5_000
/** Back-off: the first wait, doubled with each further failure up to the most, until one holds that long. */
const firstRetryMs = 1_000
const maxRetryMs = 60_000
/** How long the last counts of a departed interface are shown. */
const departedVisibleMs = 5 * 60_000

/**
 * Keeps the program attached to the chosen interfaces while they come, go and are renamed, and while
 * others remove what it attached. Whatever happens, it compares what should be with what is.
 */
export class InterfaceFollower {
  readonly #addon: Addon
  readonly #exporter: NativeExporter
  #settings: FollowerSettings
  readonly #log: FollowerLog
  readonly #routes: DefaultRoutes
  readonly #followed = new Map<number, Followed>()
  #missing: readonly string[] = []
  readonly #uncounted = new UncountedTime()
  readonly #predecessors: Predecessors
  readonly #watch: NativeInterfaceWatch
  #chosen: ChosenInterfaces | undefined
  #timer: NodeJS.Timeout | undefined
  #comparing: Promise<void> | undefined
  #again = false
  #closed = false

  /**
   * Attaches to the chosen interfaces and follows them from then on.
   *
   * @throws UserError or NativeError if a named one cannot be had at the start, or none of any kind
   */
  static async start(
    addon: Addon,
    exporter: NativeExporter,
    settings: FollowerSettings,
    log: FollowerLog,
    chosen?: ChosenInterfaces,
  ): Promise<InterfaceFollower> {
    const follower = new InterfaceFollower(addon, exporter, settings, log)
    follower.#chosen = chosen
    try {
      await follower.#start()
    } catch (error) {
      follower.close()
      throw error
    }
    return follower
  }

  private constructor(addon: Addon, exporter: NativeExporter, settings: FollowerSettings, log: FollowerLog) {
    this.#addon = addon
    this.#exporter = exporter
    this.#settings = settings
    this.#log = log
    this.#routes = new DefaultRoutes(addon)
    this.#predecessors = new Predecessors(log, addon.tcxSupported())
    // Heard from before the first look, so that nothing is missed in between.
    this.#watch = new addon.InterfaceWatch(({ links, defaultRoutes }) => {
      if (defaultRoutes) this.#routes.changed()
      if (links || this.#settings.interfaces.length === 0) this.#compare()
    })
  }

  async #start(): Promise<void> {
    this.#comparing = this.#attachFirst()
    await this.#comparing
    this.#comparing = undefined
    this.#chosen?.look(this.#followed.keys())
    if (this.#missing.length > 0)
      this.#log.warn({ interface: this.#missing.join(',') }, 'this interface does not exist yet')
    else if (this.#followed.size === 0)
      this.#log.warn({ interface: this.#settings.interfaces.join(',') }, 'no interface matches yet')
    this.#timer = setInterval(() => this.#compare(), checkIntervalMs).unref()
    // At once where an earlier run, whose pins were adopted, counted on more.
    if (this.#again || (await this.#exporter.adopted()).length > 0) this.#compare()
  }

  async #attachFirst(): Promise<void> {
    const links = this.#addon.links()
    this.#missing = missingNames(links, this.#settings)
    for (const link of await requireInterfaces(links, this.#routes, this.#settings)) {
      try {
        await this.#attach(link, 0, 'replace')
      } catch (error) {
        const explained = explain(error)
        // What is wrong with the one is not with the others, unless kernel or privileges lack something.
        const lasting = !(explained instanceof UserError) || explained.exitCode === ExitCode.unsupported
        if (lasting || isNamed(link, this.#settings)) throw error
        this.#retryLater(link, undefined, explained)
      }
    }
  }

  /** The chosen interfaces that exist, by ifindex. */
  get interfaces(): readonly FollowedInterface[] {
    return [...this.#followed.values()]
  }

  /** The interfaces that were named and do not exist. */
  get missing(): readonly string[] {
    return this.#missing
  }

  /** For how many seconds each interface was there and not counted, at most. */
  get uncountedSeconds(): ReadonlyMap<string, number> {
    return this.#uncounted.seconds(performance.now())
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
      .catch((error: unknown) => {
        if (!this.#isClosed()) this.#log.warn({ err: error }, 'cannot follow interfaces')
      })
      .finally(() => {
        this.#comparing = undefined
        if (!this.#again) return
        this.#again = false
        this.#compare()
      })
  }

  async #compareOnce(): Promise<void> {
    if (this.#isClosed()) return
    const links = this.#addon.links()
    this.#missing = missingNames(links, this.#settings)
    const found = await findInterfaces(links, this.#routes, this.#settings)
    const wanted = new Map(found.map((link) => [link.ifindex, link]))
    // All departures first: a name that moved to another device must be free before it is taken.
    const gone = [...this.#followed.values()].filter(({ ifindex, name, linkType }) => {
      const link = wanted.get(ifindex)
      return link?.name !== name || link.linkType !== linkType
    })
    const stale = (await this.#exporter.adopted()).filter(({ ifindex }) => !wanted.has(ifindex))
    if (gone.length + stale.length > 0) await this.#depart([...gone, ...stale])
    if (this.#isClosed()) return
    for (const name of await this.#exporter.forgetDeparted(departedVisibleMs)) {
      this.#log.info({ interface: name }, 'forgot the last counts of this interface')
    }
    await this.#keepAttached(wanted)
    this.#chosen?.look(this.#followed.keys())
  }

  async #depart(gone: readonly Pick<Followed, 'name' | 'ifindex'>[]): Promise<void> {
    for (const { ifindex, name } of gone) {
      this.#followed.delete(ifindex)
      this.#uncounted.depart(name, performance.now())
    }
    await this.#exporter.detach(gone.map(({ ifindex }) => ifindex))
    if (this.#isClosed()) return
    for (const { name, ifindex } of gone) {
      this.#predecessors.forget(ifindex)
      this.#log.info({ interface: name, ifindex }, 'interface is gone: its last counts stay for 5 minutes')
    }
  }

  /** Attaches where the program does not hang, and looks after it where it does. */
  async #keepAttached(wanted: ReadonlyMap<number, EgressInterface>): Promise<void> {
    const attached = [...this.#followed.values()].filter(({ mode }) => mode !== undefined)
    const attachments = await this.#exporter.attachmentInfo(attached.map(({ ifindex }) => ifindex))
    const now = performance.now()
    const byIfindex = new Map(attached.map(({ ifindex }, index) => [ifindex, attachments[index]]))
    for (const link of wanted.values()) {
      if (this.#isClosed()) return
      const known = this.#followed.get(link.ifindex)
      const current = known && { ...known, place: link.place }
      if (current === undefined || current.mode === undefined) {
        if (current === undefined || now >= current.since) await this.#tryAttach(link, current)
        continue
      }
      const how = byIfindex.get(link.ifindex)
      if (how === undefined) {
        this.#retryLater(link, current, new Error('somebody removed the program'))
        continue
      }
      this.#predecessors.look(link, how)
      const failures = now - current.since > maxRetryMs ? 0 : current.failures
      const programsBefore = how.before.length
      this.#followed.set(link.ifindex, { ...current, failures, programsBefore, seen: now })
    }
  }

  /** Attaches, for the first time or again. Throws what the kernel says. */
  async #attach(link: EgressInterface, failures: number, inDoubt: 'replace' | 'refuse'): Promise<void> {
    const mode = await attach(this.#exporter, link, this.#settings.bpfMode, inDoubt)
    const [attachment] = await this.#exporter.attachmentInfo([link.ifindex])
    const { name, ifindex, linkType } = link
    const [now, programsBefore] = [performance.now(), attachment?.before.length ?? 0]
    this.#uncounted.end(name, now)
    this.#followed.set(ifindex, { ...identity(link), mode, programsBefore, failures, since: now, seen: now })
    this.#log.info(
      { interface: name, ifindex, link_type: linkType, mode },
      'counting what leaves this interface',
    )
    this.#predecessors.look(link, attachment)
  }

  async #tryAttach(link: EgressInterface, current: Followed | undefined): Promise<void> {
    try {
      await this.#attach(link, current?.failures ?? 0, current ? 'refuse' : 'replace')
    } catch (error) {
      if (!this.#isClosed()) this.#retryLater(link, current, explain(error))
    }
  }

  #retryLater(link: EgressInterface, current: Followed | undefined, error: unknown): void {
    const { name, ifindex } = link
    if (!this.#addon.hasInterface(ifindex)) {
      // A device takes along what is attached to it: the next look finds it gone.
      this.#compare()
      return
    }
    const now = performance.now()
    const { failures = 0, seen = now } = current ?? {}
    // Who waits for others to leave tries as often as it looks.
    const occupied = isOccupied(error)
    const waitMs = occupied ? checkIntervalMs : Math.min(firstRetryMs * 2 ** failures, maxRetryMs)
    const reason = (error as Error).message
    this.#uncounted.begin(name, seen)
    this.#followed.set(ifindex, {
      ...identity(link),
      mode: undefined,
      programsBefore: 0,
      failures: occupied ? failures : failures + 1,
      since: now + waitMs,
      seen,
      reason,
    })
    setTimeout(() => this.#compare(), waitMs).unref()
    if (occupied && current?.reason === reason) return
    this.#log.warn(
      { interface: name, ifindex, reason, retry_seconds: waitMs / 1000 },
      'not attached to this interface',
    )
  }
}
