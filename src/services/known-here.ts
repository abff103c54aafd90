import { findCgroupMount, hasVersion1, isInRoot, ownCgroup } from './cgroup-mount.js'

/**
 * Whether services can be told apart on this host, in one sentence, with what follows and what would mend it.
 *
 * @param proc where procfs is
 */
export function describeServices(proc = '/proc'): string {
  const mount = findCgroupMount(proc)
  const version1 = hasVersion1(proc)
  if (!mount)
    return version1
      ? 'not told apart: only cgroup version 1 is mounted (boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2)'
      : 'not told apart: no cgroup2 is mounted (mount -t cgroup2 none /sys/fs/cgroup)'
  if (!mount.whole)
    return `told apart only below ${ownCgroup(proc) === '/' ? "the exporter's own cgroup" : mount.path}: it runs in a cgroup namespace (start its container with the host's: --cgroupns=host, and the host's /sys/fs/cgroup)`
  if (isInRoot(proc, mount))
    return `told apart by cgroup, from ${mount.path}; but processes here are in its root${version1 ? ', since cgroup version 1 has them' : ''}: these are one`
  return `told apart by cgroup, from ${mount.path}${version1 ? ', beside cgroup version 1 (hybrid)' : ''}`
}
