// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "clock.h"
#include "dns_packet.h"
#include "error.h"

namespace egress {
namespace {

/// In each namespace (LOOPBACK_IFINDEX, include/linux/netdevice.h).
constexpr uint32_t kLoopback = 1;

/// Between two looks while answers come: to wake up for each of 10,000 a second costs more than to
/// read them. Whoever wants a name does not wait for it, see catch_up().
constexpr uint64_t kNapNs = 10 * kNsPerMs;

/// Packets that are read in one go: whoever else wants to read waits as long.
constexpr size_t kReadMost = 64;

/// How long ago resolved has answered when it tells of it, at most. It says no time, and whoever
/// asked may have the answer before the event loop here comes to it.
constexpr uint64_t kToldLateNs = 250 * kNsPerMs;

/// Who got an answer may use the address for as long as the answer says, which is an hour or less
/// with nearly all. What was answered before that and is forgotten is not missed.
constexpr uint64_t kUsedForNs = 3'600'000 * kNsPerMs;

/// Signals are for other threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// @param unix_ns a moment before now; a clock that was set meanwhile is no reason to believe more
uint64_t to_monotonic(int64_t unix_ns) {
  constexpr int64_t kAgeMaxNs = 1000 * kNsPerMs;
  const int64_t age = std::clamp(unix_time_ns() - unix_ns, int64_t{0}, kAgeMaxNs);
  return monotonic_ns() - static_cast<uint64_t>(age);
}

bool waited_for(int fd, int stop, uint64_t nap_ns) {
  pollfd events[] = {{stop, POLLIN, 0}, {fd, POLLIN, 0}};
  const timespec nap{static_cast<time_t>(nap_ns / 1'000'000'000),
                     static_cast<long>(nap_ns % 1'000'000'000)};
  ppoll(events, 1, &nap, nullptr);
  if (events[0].revents == 0) ppoll(events, 2, nullptr, nullptr);
  return events[0].revents == 0;
}

}  // namespace

Names::Names(size_t limit, unsigned ipv4_bits, unsigned ipv6_bits)
    : cache_(limit, ipv4_bits, ipv6_bits) {}

Names::~Names() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Names::listen() {
  stop_ = Fd(eventfd(0, EFD_CLOEXEC));
  if (!stop_) throw Error("listen to DNS", "", errno);
  ring_ = std::make_unique<PacketRing>();
  ring_->choose({kLoopback});
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

void Names::choose(std::vector<uint32_t> ifindexes) {
  if (std::find(ifindexes.begin(), ifindexes.end(), kLoopback) == ifindexes.end())
    ifindexes.push_back(kLoopback);
  if (ring_) ring_->choose(ifindexes);
}

void Names::begin() {
  const std::lock_guard lock(cache_mutex_);
  since_ns_ = std::min(since_ns_, monotonic_ns());
}

void Names::end() {
  const std::lock_guard lock(cache_mutex_);
  since_ns_ = UINT64_MAX;
}

void Names::run() {
  pthread_setname_np(pthread_self(), "names");
  // As long as it worked at least: a flood gets half a processor and no more.
  for (uint64_t worked_ns = 0; waited_for(ring_->fd(), stop_.get(), std::max(kNapNs, worked_ns));) {
    const uint64_t begin_ns = monotonic_ns();
    catch_up();
    worked_ns = monotonic_ns() - begin_ns;
  }
}

void Names::catch_up() {
  // A flood does not hold whoever asks: so many are what the ring holds.
  for (size_t left = PacketRing::kCapacity; left > 0;) {
    const size_t count = read(std::min(left, kReadMost));
    if (count < kReadMost) return;
    left -= count;
  }
}

size_t Names::read(size_t most) {
  if (!ring_) return 0;
  const std::lock_guard lock(ring_mutex_);
  return ring_->read(most, [this](const RingPacket& packet) {
    dns::Messages messages(packet.bytes);
    const uint64_t at_ns = to_monotonic(packet.unix_ns);
    while (const auto message = messages.next()) take(*message, at_ns, dns_);
    if (messages.truncated()) truncated_++;
  });
}

void Names::take_resolved(std::span<const uint8_t> message) {
  take(message, monotonic_ns() - kToldLateNs, resolved_);
}

void Names::take(std::span<const uint8_t> message, uint64_t at_ns, std::atomic<uint64_t>& answers) {
  dns::Answer answer;
  switch (dns::parse_answer(message, answer)) {
    case dns::Verdict::kAnswer: {
      const std::lock_guard lock(cache_mutex_);
      cache_.add(answer, at_ns);
      answers++;
      break;
    }
    case dns::Verdict::kMalformed:
      malformed_++;
      break;
    case dns::Verdict::kName:
      name_++;
      break;
    case dns::Verdict::kNothing:
      break;
  }
}

std::optional<std::string> Names::name_before(const std::string& destination,
                                              uint64_t at_ns) const {
  dns::Address address{destination.find(':') == destination.npos, {}};
  const std::string text = destination.substr(0, destination.find('/'));
  inet_pton(address.is_ipv4 ? AF_INET : AF_INET6, text.c_str(), address.bytes.data());
  const std::lock_guard lock(cache_mutex_);
  if (const auto name = cache_.name_before(address, at_ns)) return std::string(*name);
  const uint64_t forgotten_ns = cache_.forgotten_ns();
  const bool reaches_back = forgotten_ns == 0 || forgotten_ns + kUsedForNs < at_ns;
  return at_ns >= since_ns_ && reaches_back ? std::optional<std::string>("") : std::nullopt;
}

NamesState Names::state() {
  if (ring_) overflow_ += ring_->take_dropped();
  return {dns_, resolved_, malformed_, truncated_, name_, overflow_};
}

}  // namespace egress
