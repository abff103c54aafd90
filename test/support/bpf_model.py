"""The rules of bpf/egress.bpf.c, told a second time: what an independent reader of the documentation
would count. Written from docs/architecture.md and the RFCs, not from the program."""
import struct

AF_INET, AF_INET6 = 2, 10
ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, ETH_P_8021AD = 0x0800, 0x86DD, 0x8100, 0x88A8
TCP, UDP, ICMP, ICMPV6, SCTP, DCCP, UDPLITE = 6, 17, 1, 58, 132, 33, 136
WITH_PORTS = {TCP, UDP, SCTP, DCCP, UDPLITE}
FRAGMENT, AUTHENTICATION, NO_NEXT = 44, 51, 59
EXTENSIONS = {0, 43, 60, 135, 139, 140, FRAGMENT, AUTHENTICATION}
ICMP_REPLIES = {0, 3, 4, 5, 11, 12, 14, 16, 18}
ICMPV6_REPLIES = {1, 2, 3, 4, 129, 136, 140}


class Settings:
    def __init__(self, excluded=(), included=(), v4_bits=32, v6_bits=128, aggregate=False, own=()):
        """`excluded` and `included`: (family, address as int, bits); `own`: source ports of calls."""
        self.choices = {(f, a >> (width(f) - b), b): True for f, a, b in excluded}
        self.choices |= {(f, a >> (width(f) - b), b): False for f, a, b in included}
        self.bits = {AF_INET: v4_bits, AF_INET6: v6_bits}
        self.aggregate = aggregate
        self.own = set(own)

    def is_excluded(self, family, address):
        for bits in range(width(family), -1, -1):
            choice = self.choices.get((family, address >> (width(family) - bits), bits))
            if choice is not None:
                return choice
        return False


def width(family):
    return 32 if family == AF_INET else 128


def transport_of_v4(ip):
    """Protocol, and where the transport header starts; None: not in this packet."""
    if struct.unpack_from("!H", ip, 6)[0] & 0x1FFF:
        return ip[9], None
    return ip[9], (ip[0] & 15) * 4


def transport_of_v6(ip):
    following, start = ip[6], 40
    for _ in range(8):
        if following == NO_NEXT:
            return following, None
        if following not in EXTENSIONS:
            return following, start
        if len(ip) < start + 4:
            return following, None
        if following == FRAGMENT and struct.unpack_from("!H", ip, start + 2)[0] & 0xFFF8:
            return ip[start], None
        if following == FRAGMENT:
            length = 8
        elif following == AUTHENTICATION:
            length = (ip[start + 1] + 2) * 4
        else:
            length = (ip[start + 1] + 1) * 8
        following, start = ip[start], start + length
    return following, None


def answers(settings, protocol, header):
    """Whether the packet answers somebody else's."""
    if protocol in (ICMP, ICMPV6):
        if not header:
            return True
        return header[0] in (ICMP_REPLIES if protocol == ICMP else ICMPV6_REPLIES)
    if protocol not in WITH_PORTS:
        return False
    if opens(protocol, header):
        return False
    return header is None or len(header) < 2 or struct.unpack_from("!H", header)[0] not in settings.own


def opens(protocol, header):
    return protocol == TCP and header is not None and len(header) > 13 and header[13] & 0x12 == 0x02


class Model:
    """Counts frames as the program should: by destination, and by reason where there is none."""

    def __init__(self, settings, limit):
        self.settings, self.limit = settings, limit
        self.destinations = {}  # (family, address) -> [packets, bytes, connects, protocol, port]
        self.unlisted = {}  # reason -> [packets, bytes]

    def count(self, frame, segments=0, wire=0):
        """`segments`: gso_segs of the buffer; `wire`: its length on the wire, 0: its own."""
        reason, key, protocol, start, offset = self.classify(frame)
        header = frame[offset + start :] if start is not None else None
        size = wire or len(frame)
        packets = max(segments, 1)
        if segments <= 1 and size > len(frame) and reason not in ("malformed", "not_ip"):
            packets = self.segments(protocol, header, offset + (start or 0), size - len(frame))
        if reason is None:
            known = self.destinations.get(key)
            if known is None and self.settings.aggregate and answers(self.settings, protocol, header):
                reason = "reply"
            elif known is None and len(self.destinations) == self.limit:
                reason = "overflow"
            elif known is None:
                port = 0
                if protocol in WITH_PORTS and header is not None and len(header) >= 4:
                    port = struct.unpack_from("!H", header, 2)[0]
                known = self.destinations[key] = [0, 0, 0, protocol, port]
        if reason is not None:
            column = self.unlisted.setdefault(reason, [0, 0])
            column[0] += packets
            column[1] += size
            return
        known[0] += packets
        known[1] += size
        known[2] += opens(protocol, header)

    def segments(self, protocol, header, offset, added):
        """The stack has added one set of headers for each packet after the first."""
        if header is None:
            return 1
        if protocol == TCP:
            if len(header) <= 12:
                return 1
            offset += (header[12] >> 4) * 4
        elif protocol == UDP:
            offset += 8
        return added // offset + 1

    def classify(self, frame):
        if len(frame) < 14:
            return "malformed", None, None, None, 0
        ethertype, offset = struct.unpack_from("!H", frame, 12)[0], 14
        for _ in range(2):
            if ethertype not in (ETH_P_8021Q, ETH_P_8021AD):
                break
            if len(frame) < offset + 4:
                return "malformed", None, None, None, 0
            ethertype, offset = struct.unpack_from("!H", frame, offset + 2)[0], offset + 4
        ip = frame[offset:]
        if ethertype == ETH_P_IP:
            if len(ip) < 20 or not 0x45 <= ip[0] <= 0x4F or len(ip) < (ip[0] & 15) * 4:
                return "malformed", None, None, None, 0
            family, address = AF_INET, int.from_bytes(ip[16:20], "big")
            protocol, start = transport_of_v4(ip)
        elif ethertype == ETH_P_IPV6:
            if len(ip) < 40 or ip[0] >> 4 != 6:
                return "malformed", None, None, None, 0
            family, address = AF_INET6, int.from_bytes(ip[24:40], "big")
            protocol, start = transport_of_v6(ip)
        else:
            return "not_ip", None, None, None, 0
        shift = width(family) - self.settings.bits[family]
        key = (family, address >> shift << shift)
        # A destination that is listed is not asked for again.
        if key not in self.destinations and self.settings.is_excluded(family, address):
            return "excluded", None, protocol, start, offset
        return None, key, protocol, start, offset
