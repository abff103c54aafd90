import type { Logger } from '../log.js'
import type { AttachmentInfo } from './native/programs.js'
import { describeProgram } from './egress-programs.js'
import type { EgressInterface } from './interfaces.js'

/** Warns of programs that run first: each may end the chain, so that this one never sees the packet. */
export class Predecessors {
  readonly #log: Pick<Logger, 'warn'>
  readonly #tcx: boolean
  /** Warned of already, by ifindex. */
  readonly #known = new Map<number, string>()

  /** @param tcx whether this kernel has TCX */
  constructor(log: Pick<Logger, 'warn'>, tcx: boolean) {
    this.#log = log
    this.#tcx = tcx
  }

  look({ name, ifindex }: EgressInterface, attachment: AttachmentInfo | undefined): void {
    const programs = attachment?.before.map(describeProgram).join(', ') ?? ''
    if (programs === (this.#known.get(ifindex) ?? '')) return
    this.#known.set(ifindex, programs)
    if (programs === '') return
    const remedy =
      attachment?.mode === 'clsact' && this.#tcx ? ': --bpf.mode=auto or tcx goes before clsact' : ''
    this.#log.warn(
      { interface: name, ifindex, programs },
      `programs of others run first here and may hide packets${remedy}`,
    )
  }

  forget(ifindex: number): void {
    this.#known.delete(ifindex)
  }
}
