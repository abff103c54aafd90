import type { BpfMode } from '../../config/options.js'

export type AttachedMode = Exclude<BpfMode, 'auto'>

/** How the program is attached to an interface. */
export interface AttachmentInfo {
  readonly mode: AttachedMode
  /** What runs before it, and may end the chain. */
  readonly before: readonly Predecessor[]
}

/** Something that runs before the program at an interface's egress. */
export interface Predecessor {
  readonly mode: AttachedMode
  /** Of a clsact filter. */
  readonly priority: number
  /** 0: a filter that is not BPF. */
  readonly programId: number
  /** Of a filter: its own, or its kind. */
  readonly name: string
}

/** A filter on the egress side of a clsact qdisc. */
export interface ClsactFilter {
  readonly priority: number
  readonly handle: number
  /** 0: not a BPF filter. */
  readonly programId: number
  /** Such as "bpf" or "u32". */
  readonly kind: string
  /** Of a BPF filter. */
  readonly name: string
}

/** A clsact filter of this program. */
export interface Leftover {
  readonly ifindex: number
  readonly interface: string
  /** The id of the BPF program in it. */
  readonly programId: number
}
