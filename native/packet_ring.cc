// SPDX-License-Identifier: Apache-2.0
#include "packet_ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include "dns_packet.h"
#include "error.h"

namespace egress {
namespace {

/// 4 MiB, the packets of 100 ms with 10,000 answers a second. A frame has 4,016 bytes of a packet
/// from its IP header on: what EDNS allows by custom is 1,232, and by most servers' limit 4,096.
constexpr size_t kFrameSize = 4096, kBlockSize = 64 * 1024;
constexpr size_t kRingSize = kFrameSize * PacketRing::kCapacity;
static_assert(kBlockSize % kFrameSize == 0, "frames follow one another");

/// Beyond so many, all are. Filters have 4,096 instructions at most, and before Linux 6.7 a socket
/// has 20 KiB for them.
constexpr size_t kInterfacesMax = 512;

template <typename T>
void set(const Fd& socket, int option, const T& value) {
  if (setsockopt(socket.get(), SOL_PACKET, option, &value, sizeof(value)) != 0)
    throw Error("listen to DNS", "", errno);
}

/// What the socket gets: by the IP header on, which is where packets begin for it. The kernel has
/// taken a VLAN tag off by then. A load beyond a packet's end drops it.
std::vector<sock_filter> filter_for(const std::vector<uint32_t>& ifindexes) {
  constexpr auto kAncillary = static_cast<uint32_t>(SKF_AD_OFF);
  constexpr uint32_t kAll = UINT32_MAX, kNothing = 0, kFragmentOffset = 0x1fff;
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kAncillary + SKF_AD_PROTOCOL),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 9, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 13),
      // IPv4: the first fragment alone has ports.
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 10),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kFragmentOffset, 8, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, dns::kPort, 6, 5),
      // IPv6
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 2),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 40),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, dns::kPort, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, kNothing),
      // Interfaces last: what is of another port is gone by now.
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kAncillary + SKF_AD_IFINDEX),
  };
  if (ifindexes.size() > kInterfacesMax) {
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, kAll));
    return filter;
  }
  for (const uint32_t ifindex : ifindexes) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ifindex, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, kAll));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, kNothing));
  return filter;
}

/// Closes what it opened where a step fails.
Fd open_socket() {
  // Of no protocol yet, so that nothing comes before the filter. Without link headers, which not
  // all devices have.
  Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw Error("listen to DNS", "", errno);
  // What this host sends is cloned for a socket that wants it: each packet, whatever the filter.
  set(socket, PACKET_IGNORE_OUTGOING, 1);
  set(socket, PACKET_VERSION, int{TPACKET_V2});
  set(socket, PACKET_RX_RING,
      tpacket_req{kBlockSize, kRingSize / kBlockSize, kFrameSize, PacketRing::kCapacity});
  return socket;
}

std::atomic_ref<uint32_t> status_of(tpacket2_hdr* frame) {
  return std::atomic_ref<uint32_t>(frame->tp_status);
}

}  // namespace

PacketRing::PacketRing() : socket_(open_socket()) {
  choose({});
  void* ring = mmap(nullptr, kRingSize, PROT_READ | PROT_WRITE, MAP_SHARED, socket_.get(), 0);
  if (ring == MAP_FAILED) throw Error("listen to DNS", "", errno);
  frames_ = static_cast<uint8_t*>(ring);
  sockaddr_ll all{};
  all.sll_family = AF_PACKET;
  all.sll_protocol = htons(ETH_P_ALL);
  if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&all), sizeof(all)) != 0) {
    munmap(frames_, kRingSize);
    throw Error("listen to DNS", "", errno);
  }
}

PacketRing::~PacketRing() { munmap(frames_, kRingSize); }

void PacketRing::choose(const std::vector<uint32_t>& ifindexes) {
  std::vector<sock_filter> filter = filter_for(ifindexes);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    throw Error("listen to DNS", "", errno);
}

size_t PacketRing::read(size_t most, const std::function<void(const RingPacket&)>& take) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  size_t count = 0;
  for (; count < most; count++) {
    auto* frame = reinterpret_cast<tpacket2_hdr*>(frames_ + next_ * kFrameSize);
    if (!(status_of(frame).load(std::memory_order_acquire) & TP_STATUS_USER)) break;
    take({{reinterpret_cast<const uint8_t*>(frame) + frame->tp_net, frame->tp_snaplen},
          frame->tp_sec * kNsPerSecond + frame->tp_nsec});
    status_of(frame).store(TP_STATUS_KERNEL, std::memory_order_release);
    next_ = (next_ + 1) % PacketRing::kCapacity;
  }
  return count;
}

uint64_t PacketRing::take_dropped() {
  tpacket_stats statistics{};
  socklen_t size = sizeof(statistics);
  // The kernel sets them to 0 with each answer.
  if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) return 0;
  return statistics.tp_drops;
}

}  // namespace egress
