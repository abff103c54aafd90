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


def ceil_div(a, b):
    return -(-a // b)


class Gso:
    """What the kernel says of a buffer: bytes of payload of each packet (0: it is one packet), their
    number (0: not said), and its estimate of the length on the wire (0: the buffer's own)."""

    def __init__(self, size=0, segments=0, estimate=0):
        self.size, self.segments, self.estimate = size, segments, estimate

    def wire_size(self, length, protocol, header, start, ip):
        """Packets and bytes. `header` lies at `start`; None: there is none."""
        if not self.size:
            return 1, length
        added = max(self.estimate - length, 0)
        packets = self.segments
        if self.size == 0xFFFF:  # SCTP's, whose common header the estimate leaves out
            return packets or 1, length + added + ((packets or 1) - 1) * 12
        if protocol == TCP and header is not None:
            each = start + ((header[12] >> 4) * 4 if len(header) > 12 else 0)
            packets = packets or self.cut(length, each)
            return packets, length + (packets - 1) * each - (8 * packets if is_jumbo(length, ip) else 0)
        if protocol != UDP or header is None:
            return packets or self.guess(length, added), length + added
        datagram = start + 8
        if not packets:
            fitting = (self.cut(length, h) for h in (datagram, start) if (self.cut(length, h) - 1) * h == added)
            packets = next(fitting, 0) or self.guess(length, added)
        each = added // (packets - 1) if packets > 1 else datagram
        if each == start:  # fragments: IPv6 has a header for them
            return packets, length + added + (8 * packets if ip[0] >> 4 == 6 else 0)
        if each < datagram:  # behind a routing header, which the estimate took for the transport's
            packets = self.segments or self.cut(length, datagram)
            return packets, length + (packets - 1) * datagram
        return packets, length + added

    def cut(self, length, headers):
        return ceil_div(length - headers, self.size) if length > headers else 1

    def guess(self, length, added):
        """The number of packets whose headers explain what the estimate has added."""
        most = ceil_div(length, self.size)
        if not added:
            return 1
        for packets in range(most, max(most - 4, 1), -1):
            headers = added // (packets - 1)
            if headers and self.cut(length, headers) == packets and (packets - 1) * headers == added:
                return packets
        return most


def is_jumbo(length, ip):
    return length > 65536 and ip[0] >> 4 == 6 and ip[6] == 0 and ip[40:43] == b"\x06\x00\xc2"


class Model:
    """Counts frames as the program should: by destination, and by reason where there is none."""

    def __init__(self, settings, limit):
        self.settings, self.limit = settings, limit
        self.destinations = {}  # (family, address) -> [packets, bytes, connects, protocol, port]
        self.unlisted = {}  # reason -> [packets, bytes]

    def count(self, frame, gso=Gso()):
        reason, key, protocol, start, offset = self.classify(frame)
        header = frame[offset + start :] if start is not None else None
        ip = frame[offset:] if reason not in ("malformed", "not_ip") else b""
        packets, size = gso.wire_size(len(frame), protocol if ip else None, header, offset + (start or 0), ip)
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
