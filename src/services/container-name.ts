// How container runtimes call their cgroups; which runtime it is does not matter, and cannot be told.

const uid = '[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}'
const podSlice = new RegExp(`^(?:[\\w-]+-)?kubepods(?:-[a-z]+)?-pod(${uid})\\.slice(?::[^:]+:[0-9a-f]{64})?$`)
const podFolder = new RegExp(`^pod(${uid})$`)
const longId = /^(?:.*[-:])?(?<!conmon-)([0-9a-f]{64})(?:\.scope)?$/
const shortId = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/**
 * The pod that a slice is of, by its uid as Kubernetes writes it. Where kubelet goes by systemd and containerd
 * does not, the slice is part of the container's name: `kubepods-podUID.slice:cri-containerd:ID`. Undefined:
 * no pod's.
 */
export const podUidOf = (name: string): string | undefined => podSlice.exec(name)?.[1]?.replaceAll('_', '-')

/** The same of folders, which there are without systemd: `kubepods/burstable/podUID`. */
export function podUidOfFolders([top, ...names]: readonly string[]): string | undefined {
  if (top !== 'kubepods') return undefined
  const [first, second] = names.slice(0, 2).map((name) => podFolder.exec(name)?.[1])
  return first ?? second
}

/**
 * The container whose cgroup this is: `ID`, `docker-ID.scope`, `libpod-payload-ID`, and so on, but not the
 * process that watches over one, `crio-conmon-ID.scope`. Undefined: no container's.
 */
export const containerIdOf = (name: string): string | undefined => longId.exec(name)?.[1]

/**
 * The outermost container of a path: what runs inside it is its own matter. Some have 128 bits, as 32 digits
 * or a UUID, but then something longer further inside is the container.
 */
export function containerIdIn(names: readonly string[]): string | undefined {
  for (const name of names) {
    const id = containerIdOf(name)
    if (id !== undefined) return id
  }
  return names.find((name) => shortId.test(name))
}

/** The name that LXC gives its cgroups: `lxc/NAME`, `lxc.payload.NAME`. Undefined: not LXC's. */
export function lxcName([first, second]: readonly string[]): string | undefined {
  if (first === 'lxc') return second
  return first?.startsWith('lxc.payload.') ? first.slice('lxc.payload.'.length) : undefined
}
