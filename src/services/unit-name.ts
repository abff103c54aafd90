// What systemd calls its cgroups: systemd.unit(5), and systemd's src/basic/cgroup-util.c and unit-name.c.

const types = 'service|scope|slice|socket|mount|automount|swap|target|device|timer|path'
const unit = new RegExp(`^[\\w:.\\\\-]+(?:@[\\w:.\\\\@-]+)?\\.(?:${types})$`)
const slice = /^(?!-)(?!.*--)[\w:.\\-]+(?<!-)\.slice$/
const maxUnitLength = 255

/** A cgroup's name without the `_` that systemd puts before one that the kernel could take for its own file. */
export const unescapeCgroup = (name: string): string => (name.startsWith('_') ? name.slice(1) : name)

/** Whether it is a unit's name; a template alone, `getty@.service`, is none. */
export const isUnit = (name: string): boolean => name.length <= maxUnitLength && unit.test(name)

/** Whether it is the name of a slice, which holds units. */
export const isSlice = (name: string): boolean => name.length <= maxUnitLength && slice.test(name)

/** Writes out what systemd escaped in a part of a unit's name, `\x2d`. */
export const unescapeUnit = (part: string): string =>
  part.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))

const uuid = '[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}'
/** One of these alone makes a name that no later start has: an id of 128 or 256 bits. */
const randomId = new RegExp(`(?<![0-9a-z])(?:[0-9a-f]{64}(?:-[0-9a-f]+)?|${uuid})(?![0-9a-z])`, 'g')

/**
 * A unit's name without what differs at each start, for which stands a `*`, which no unit's name has:
 * what systemd-run made up, ids, the connection of an instance that a socket started, and the numbers
 * in a scope's name, since whoever makes scopes tells them apart by process or by counting.
 *
 * @param foldTemplates whether `postgresql@15-main.service` becomes `postgresql@*.service`
 */
export function foldUnit(name: string, foldTemplates: boolean): string {
  const dot = name.lastIndexOf('.')
  const type = name.slice(dot)
  const stem = name
    .slice(0, dot)
    .replace(/^run-(?:u?\d+|r[0-9a-f]+|p\d+-i\d+)$/, 'run-*')
    .replace(randomId, '*')
    // "3-192.0.2.1:22-198.51.100.7:50123", "3-4711-1000" (src/core/socket.c).
    .replace(/@\d+-(?:\d+-\d+|.+:\d+-.+:\d+)$/, '@*')
    // A program on the user's D-Bus: "dbus-:1.2-org.example.App@0".
    .replace(/^dbus-:\d+\.\d+-(.+)@\d+$/, 'dbus-*-$1@*')
  const numberless = type === '.scope' ? stem.replace(/(?<=[-_.@:]|\\x2d)\d+(?=$|[-_.@:\\])/g, '*') : stem
  return (foldTemplates ? numberless.replace(/@.*$/, '@*') : numberless) + type
}
