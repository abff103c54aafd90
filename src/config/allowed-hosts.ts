/** A host name as RFC 1123, section 2.1, has them, and with the underscores of containers; `*.` before it: any below. */
const pattern =
  /^(\*|(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)$/

/**
 * Names of hosts: each value may hold several, separated by commas. `*.example.org` stands for every name
 * below `example.org`, `*` for any.
 *
 * @throws Error naming the first word that is no name
 */
export function parseAllowedHosts(values: readonly string[]): readonly string[] {
  const words = values.flatMap((value) => value.split(',')).map((word) => word.trim().toLowerCase())
  const wrong = words.find((word) => !pattern.test(word))
  if (wrong !== undefined) {
    throw new Error(
      `'${wrong}' is not a host name: write one without scheme and port, such as web1.example.org, *.example.org for all below, or * for any`,
    )
  }
  return words
}
