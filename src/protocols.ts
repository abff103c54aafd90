/** IP protocol numbers (IANA, "Protocol Numbers") by the names that people use; others stay numbers. */
const names: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
  136: 'udplite',
}

export const protocolName = (protocol: number): string => names[protocol] ?? String(protocol)

/** The number of a name or of a number; undefined for anything else. */
export function protocolNumber(text: string): number | undefined {
  const named = Object.entries(names).find(([, name]) => name === text.toLowerCase())
  const number = named ? Number(named[0]) : Number(/^\d{1,3}$/.exec(text)?.[0] ?? NaN)
  return number <= 255 ? number : undefined
}
