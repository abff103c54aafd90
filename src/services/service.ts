/** Who sends, by a name that lasts longer than its processes. */
export interface Service {
  /** The name, as it is shown; docs/services.md has what each means. */
  readonly service: string
  readonly kind: ServiceKind
  /** The slice that the unit is in; empty: none. */
  readonly slice: string
  /** Empty: no container's, or not known. */
  readonly containerId: string
  /** Empty: no pod's. */
  readonly podUid: string
  /** The cgroup below the mount's root, as it is shown; empty: not known, or none. */
  readonly cgroup: string
}

type ServiceKind =
  | 'unit'
  | 'user unit'
  | 'session'
  | 'pod'
  | 'container'
  | 'machine'
  | 'slice'
  | 'cgroup'
  | 'forwarded'
  | 'kernel'
  | 'unknown'

const without = { slice: '', containerId: '', podUid: '', cgroup: '' }

/** The kernel itself: answers to nobody's socket, and sockets that are closed already. */
export const kernel: Service = { service: 'kernel', kind: 'kernel', ...without }

/** One for all. */
export const unknown: Service = { service: 'unknown', kind: 'unknown', ...without }

/** Who came when every slot was taken: the program counts them together. */
export const other = 'other'

/** What this host only forwards, by the interface that it came in by. */
export const forwarded = (ingress: string): Service => ({
  service: `forwarded:${ingress}`,
  kind: 'forwarded',
  ...without,
})
