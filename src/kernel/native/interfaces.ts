/** A network interface as rtnetlink describes it. */
export interface Link {
  readonly ifindex: number
  readonly name: string
  /** Other names that it has, as good as the first. */
  readonly altnames: readonly string[]
  /** Whether it may have routes. */
  readonly up: boolean
  /** ARPHRD_*, include/uapi/linux/if_arp.h. */
  readonly type: number
  /** Of a virtual one, such as "vlan"; empty otherwise. */
  readonly kind: string
  /** Of one that a bus device is behind, such as "pci"; empty otherwise, and before Linux 5.14. */
  readonly bus: string
  /** The ifindex of its bridge, bond or VRF; 0: none. */
  readonly master: number
  /** The ifindex of the one that it lies on; 0: none. */
  readonly lower: number
}

/** Calls back when interfaces, what is attached to them, or default routes may have changed. */
export interface NativeInterfaceWatch {
  close(): void
}
