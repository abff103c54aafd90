// The machines that there are packages for, by Debian's name.

/** @type {Record<string, {node: string, rpm: string, triplet: string}>} Node's and RPM's name, and the compiler's */
export const machines = {
  amd64: { node: 'x64', rpm: 'x86_64', triplet: 'x86_64-linux-gnu' },
  arm64: { node: 'arm64', rpm: 'aarch64', triplet: 'aarch64-linux-gnu' },
}
