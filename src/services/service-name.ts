import { containerIdIn, containerIdOf, lxcName, podUidOf, podUidOfFolders } from './container-name.js'
import type { Service } from './service.js'
import { showName } from './shown-name.js'
import { foldUnit, isSlice, isUnit, unescapeCgroup, unescapeUnit } from './unit-name.js'

/** Where names come from that are not in a cgroup's path; undefined: not known. */
export interface KnownNames {
  containerName(id: string): string | undefined
  /** As NAMESPACE/POD. */
  podName(uid: string): string | undefined
}

type Named = Pick<Service, 'service' | 'kind'> & Partial<Service>

/** A path, taken apart as systemd does it: slices, then what they hold. */
interface Place {
  readonly path: string
  readonly slices: readonly string[]
  /** What follows the slices. */
  readonly inner: readonly string[]
}

/**
 * Names what runs in a cgroup.
 *
 * Names are only believed where they cannot be made up: whoever may make cgroups below `user@UID.service`
 * is named after that user, whatever the cgroups are called.
 *
 * @param path below the root of the cgroup2 hierarchy, with a leading `/`; one character a byte
 * @param foldTemplates whether instances of a template are one service
 */
export function nameService(path: string, known: KnownNames, foldTemplates = false): Service {
  // systemd-nspawn makes this one for a whole system, whose root it is.
  const place = placeOf(path, splitPath(path.replace(/^\/payload(?=\/)/, '')))
  const {
    service,
    slice = place.slices.at(-1) ?? '',
    ...rest
  } = nameUnit(place, known, foldTemplates) ?? nameOther(place, known)
  return {
    service: showName(service),
    slice: showName(slice),
    containerId: '',
    podUid: '',
    cgroup: showName(path),
    ...rest,
  }
}

const splitPath = (path: string) => path.split('/').filter((name) => name !== '')

function placeOf(path: string, names: readonly string[]): Place {
  const unescaped = names.map(unescapeCgroup)
  const end = unescaped.findIndex((name) => !isSlice(name))
  const count = end < 0 ? names.length : end
  return { path, slices: unescaped.slice(0, count), inner: names.slice(count) }
}

/** What systemd made; undefined: something else. */
function nameUnit(place: Place, known: KnownNames, foldTemplates: boolean): Named | undefined {
  const unit = unescapeCgroup(place.inner[0] ?? '')
  if (!isUnit(unit)) return undefined
  const [, uid] = /^user@(\d+)\.service$/.exec(unit) ?? []
  if (uid !== undefined) return nameUserUnit(uid, place, foldTemplates)
  if (/^session-[0-9A-Za-z]+\.scope$/.test(unit)) return nameSession(place.slices)
  const podUid = firstPodUid(place.slices)
  if (podUid !== undefined) return namePod(podUid, place, known)
  const containerId = containerIdOf(unit)
  if (containerId !== undefined) return nameContainer(containerId, known)
  const [, scope, instance = scope] =
    /^(?:machine-(.+)\.scope|systemd-nspawn@(.+)\.service)$/.exec(unit) ?? []
  if (instance !== undefined) return nameMachine(unescapeUnit(instance))
  const podBelow = podUidOf(place.inner[1] ?? '')
  if (podBelow !== undefined) return namePod(podBelow, place, known)
  const inside = containerIdIn(place.inner.slice(1))
  return {
    service: foldUnit(unit, foldTemplates),
    kind: 'unit',
    ...(inside !== undefined && { containerId: inside }),
  }
}

/** All that runs below a user's own manager, `user@UID.service`, by that user's rules. */
function nameUserUnit(uid: string, { inner, slices }: Place, foldTemplates: boolean): Named {
  const own = placeOf('', inner.slice(1))
  const unit = unescapeCgroup(own.inner[0] ?? '')
  if (!isUnit(unit)) return { service: `user@${uid}.service`, kind: 'unit' }
  const slice = own.slices.at(-1) ?? slices.at(-1) ?? ''
  const containerId = containerIdOf(unit)
  if (containerId !== undefined)
    return { service: `user@${uid}/container:${digits(containerId)}`, kind: 'container', containerId, slice }
  const inside = containerIdIn(own.inner.slice(1))
  return {
    service: `user@${uid}/${foldUnit(unit, foldTemplates)}`,
    kind: 'user unit',
    slice,
    ...(inside !== undefined && { containerId: inside }),
  }
}

/** All sessions of a user are one: their numbers count logins. */
function nameSession(slices: readonly string[]): Named {
  const [, uid] = /^user-(\d+)\.slice$/.exec(slices.at(-1) ?? '') ?? []
  return { service: uid === undefined ? 'session' : `user@${uid}/session`, kind: 'session' }
}

/** libvirt counts the starts of its machines: `qemu-3-NAME`. */
function nameMachine(name: string): Named {
  return { service: `machine:${name.replace(/^(?:qemu|lxc)-\d+-/, '')}`, kind: 'machine' }
}

/** What did not come from systemd, or is nothing but slices. */
function nameOther(place: Place, known: KnownNames): Named {
  const { path, slices, inner } = place
  const lxc = lxcName(inner)
  if (lxc !== undefined) return { service: `container:${lxc}`, kind: 'container' }
  const podUid = firstPodUid([...slices, ...inner.slice(0, 1)]) ?? podUidOfFolders(inner)
  if (podUid !== undefined) return namePod(podUid, place, known)
  const containerId = containerIdIn(inner)
  if (containerId !== undefined) return nameContainer(containerId, known)
  const slice = slices.at(-1)
  return inner.length === 0 && slice !== undefined
    ? { service: slice, kind: 'slice' }
    : { service: path, kind: 'cgroup' }
}

function firstPodUid(names: readonly string[]): string | undefined {
  for (const name of names) {
    const uid = podUidOf(name)
    if (uid !== undefined) return uid
  }
  return undefined
}

function namePod(podUid: string, { inner }: Place, known: KnownNames): Named {
  const service = `pod:${known.podName(podUid) ?? digits(podUid)}`
  return { service, kind: 'pod', podUid, containerId: containerIdIn(inner) ?? '' }
}

function nameContainer(containerId: string, known: KnownNames): Named {
  const name = known.containerName(containerId) ?? digits(containerId)
  return { service: `container:${name}`, kind: 'container', containerId }
}

/** So many tell containers apart, and people know ids by them. */
const digits = (id: string) => id.replaceAll('-', '').slice(0, 12)
