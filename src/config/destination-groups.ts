/** The prefixes that `--destinations.exclude` knows by a name, each with its source. */
export const destinationGroups = {
  private: [
    '10.0.0.0/8', // RFC 1918, section 3
    '172.16.0.0/12', // RFC 1918, section 3
    '192.168.0.0/16', // RFC 1918, section 3
    '100.64.0.0/10', // RFC 6598, section 7: shared address space, carrier-grade NAT
    'fc00::/7', // RFC 4193, section 3.1: unique local
  ],
  loopback: [
    '127.0.0.0/8', // RFC 1122, section 3.2.1.3
    '::1/128', // RFC 4291, section 2.5.3
  ],
  'link-local': [
    '169.254.0.0/16', // RFC 3927, section 2.1
    'fe80::/10', // RFC 4291, section 2.5.6
  ],
  multicast: [
    '224.0.0.0/4', // RFC 5771, section 3
    '255.255.255.255/32', // RFC 919, section 7: limited broadcast
    'ff00::/8', // RFC 4291, section 2.7
  ],
} as const satisfies Record<string, readonly string[]>

export type DestinationGroup = keyof typeof destinationGroups

export const groupNames = Object.keys(destinationGroups) as DestinationGroup[]

export function isGroup(name: string): name is DestinationGroup {
  return (groupNames as string[]).includes(name)
}
