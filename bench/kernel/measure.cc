// SPDX-License-Identifier: Apache-2.0
//
// What a packet costs in the kernel: the kernel's own statistics of each program, for UDP over a
// veth pair in a network namespace of its own, round by round in turn. Prints JSON; see
// bench/README.md. Arguments: the folder of the compiled programs, and the number of rounds.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../../native/error.h"
#include "../../native/exporter.h"

namespace {

using egress::Fd;

constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr uint32_t kFirstAddress = 1U << 24;  // 1.0.0.0/8, routed to the peer
constexpr uint32_t kBatch = 64;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench: cannot %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void run(const char* command) {
  if (std::system(command) != 0) fail(command);
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

/// An address of 1.0.0.0/8 for each number, in no order that a hash could profit from: 24 bits are
/// permuted by odd factors and shifts.
uint32_t address(uint32_t number) {
  constexpr uint32_t kBits = 0xffffff;
  number = number * 0x5bd1e5 & kBits;
  number ^= number >> 11;
  number = number * 0x9e3b15 & kBits;
  return kFirstAddress + (number ^ number >> 13);
}

/// Sends datagrams to so many addresses in turn.
void send(uint32_t packets, uint32_t destinations) {
  Fd sender(socket(AF_INET, SOCK_DGRAM, 0));
  std::vector<mmsghdr> messages(kBatch);
  std::vector<sockaddr_in> addresses(kBatch);
  char payload[18] = {};
  iovec data{payload, sizeof(payload)};
  for (uint32_t i = 0; i < kBatch; i++) {
    addresses[i].sin_family = AF_INET;
    addresses[i].sin_port = htons(9);
    messages[i].msg_hdr = {&addresses[i], sizeof(addresses[i]), &data, 1, nullptr, 0, 0};
  }
  for (uint32_t sent = 0; sent < packets;) {
    const uint32_t batch = std::min(kBatch, packets - sent);
    for (uint32_t i = 0; i < batch; i++)
      addresses[i].sin_addr.s_addr = htonl(address((sent + i) % destinations));
    const int done = sendmmsg(sender.get(), messages.data(), batch, 0);
    if (done < 0) fail("send");
    sent += static_cast<uint32_t>(done);
  }
}

struct Stats {
  uint64_t runs;
  uint64_t ns;
};

/// A program that is attached to the device while this lives.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual int program_fd() const = 0;

  Stats stats() const {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program_fd(), &info, &size) != 0) fail("read statistics");
    return {info.run_cnt, info.run_time_ns};
  }
};

class Foreign : public Subject {
 public:
  Foreign(const std::string& folder, const char* name, uint32_t ifindex)
      : object_(bpf_object__open((folder + "/" + name + ".bpf.o").c_str()), bpf_object__close) {
    if (!object_ || bpf_object__load(object_.get()) != 0) fail(std::string("load ") + name);
    program_fd_ = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), name));
    bpf_link_create_opts opts{};
    opts.sz = sizeof(opts);
    link_ = Fd(bpf_link_create(program_fd_, static_cast<int>(ifindex), kTcxEgress, &opts));
    if (!link_) fail(std::string("attach ") + name);
  }
  int program_fd() const override { return program_fd_; }

 private:
  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object_;
  int program_fd_;
  Fd link_;
};

class Ours : public Subject {
 public:
  Ours(uint32_t ifindex, uint32_t excluded_prefixes) : exporter_(options(excluded_prefixes)) {
    exporter_.attach(ifindex, "bench0", true, egress::Mode::kTcx);
    uint32_t ids[64], count = 64, flags = 0;
    if (bpf_prog_query(static_cast<int>(ifindex), kTcxEgress, 0, &flags, ids, &count) != 0 ||
        count != 1)
      fail("find the program");
    program_ = Fd(bpf_prog_get_fd_by_id(ids[0]));
  }
  int program_fd() const override { return program_.get(); }
  /// Sweeps before and after some traffic, as the exporter does each second: what is busy by
  /// then counts by CPU.
  void settle(const std::function<void()>& traffic) {
    read();  // known, as after the first scrape
    exporter_.sweep(0, false);
    traffic();
    exporter_.sweep(0, false);
  }
  egress::Snapshot read() {
    const auto discover = [this] { return exporter_.discover(1U << 20).destinations; };
    for (auto found = discover(); !found.empty(); found = discover()) exporter_.publish(found);
    egress::Snapshot snapshot;
    exporter_.read(snapshot);
    return snapshot;
  }

 private:
  static egress::ExporterOptions options(uint32_t excluded_prefixes) {
    egress::ExporterOptions options;
    options.program.destinations_limit = 131072;
    for (uint32_t i = 0; i < excluded_prefixes; i++) {
      egress::PrefixRule rule{{EGRESS_FAMILY_BITS + 24, AF_INET, {}, {}}, EGRESS_EXCLUDE};
      const uint32_t address = htonl(0x64000000 + (i << 8));  // 100.0.0.0/24 and on
      std::memcpy(rule.prefix.address, &address, sizeof(address));
      options.program.prefix_rules.push_back(rule);
    }
    return options;
  }

  egress::Exporter exporter_;
  Fd program_;
};

using Make = std::function<std::unique_ptr<Subject>()>;

double ns_per_run(Subject& subject, const std::function<void()>& traffic) {
  const Stats before = subject.stats();
  traffic();
  const Stats after = subject.stats();
  return static_cast<double>(after.ns - before.ns) / static_cast<double>(after.runs - before.runs);
}

void print(const char* label, const std::vector<double>& values, const char* end) {
  std::printf("\"%s\": [", label);
  for (size_t i = 0; i < values.size(); i++) std::printf("%s%.2f", i ? ", " : "", values[i]);
  std::printf("]%s", end);
}

}  // namespace

int main(int, char** arguments) try {
  const std::string folder = arguments[1];
  const int rounds = std::atoi(arguments[2]);
  if (unshare(CLONE_NEWNET) != 0) fail("make a network namespace");
  run("ip link add bench0 type veth peer name bench1");
  for (const char* end : {"bench0", "bench1"})
    run(("sysctl -q -w net.ipv6.conf." + std::string(end) + ".disable_ipv6=1").c_str());
  run("ip link set bench1 address 02:00:00:00:00:02 up && ip link set bench0 up");
  run("ip addr add 192.0.2.1/24 dev bench0 && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev "
      "bench0");
  run("ip route add 1.0.0.0/8 via 192.0.2.2");
  const uint32_t ifindex = if_nametoindex("bench0");
  const Fd enabled(bpf_enable_stats(0));  // BPF_STATS_RUN_TIME, as long as it is open
  if (!enabled) fail("enable statistics");

  const Make empty = [&] { return std::make_unique<Foreign>(folder, "empty", ifindex); };
  const Make script = [&] { return std::make_unique<Foreign>(folder, "script", ifindex); };
  const Make ours = [&] { return std::make_unique<Ours>(ifindex, 0); };
  const Make ours_choosy = [&] { return std::make_unique<Ours>(ifindex, 5000); };

  std::printf("{\"destinations\": {");
  const char* comma = "";
  for (uint32_t destinations : {1U, 1000U, 100000U}) {
    const uint32_t packets = std::max(200000U, 2 * destinations);
    std::vector<double> floor, theirs, own, choosy;
    uint64_t counted = 0;
    pin_to(0);
    for (int round = 0; round < rounds; round++)
      for (auto& [make, into] : {std::pair{&empty, &floor}, std::pair{&script, &theirs},
                                 std::pair{&ours, &own}, std::pair{&ours_choosy, &choosy}}) {
        auto subject = (*make)();
        // Each once: what is measured is not the first packet.
        send(destinations, destinations);
        const auto traffic = [&] { send(packets, destinations); };
        if (auto* exporter = dynamic_cast<Ours*>(subject.get()))
          exporter->settle(traffic);
        else
          traffic();
        into->push_back(ns_per_run(*subject, traffic));
        if (into == &own) {
          counted = 0;
          for (const auto& found : static_cast<Ours&>(*subject).read().destinations)
            counted += found.packets;
        }
      }
    std::printf("%s\"%u\": {", comma, destinations);
    print("empty", floor, ", ");
    print("script", theirs, ", ");
    print("ours", own, ", ");
    print("ours_5000_prefixes", choosy, ", ");
    std::printf("\"sent\": %u, \"counted\": %lu}", 2 * packets + destinations, counted);
    comma = ", ";
  }

  std::vector<double> one, two;
  uint64_t counted = 0;
  constexpr uint32_t kEach = 300000;
  for (int round = 0; round < rounds; round++) {
    for (int cpus : {1, 2}) {
      Ours subject(ifindex, 0);
      auto traffic = [&] {
        std::vector<std::thread> senders;
        for (int cpu = 0; cpu < cpus; cpu++)
          senders.emplace_back([cpu] {
            pin_to(cpu);
            send(kEach, 1);
          });
        for (auto& sender : senders) sender.join();
      };
      subject.settle(traffic);
      (cpus == 1 ? one : two).push_back(ns_per_run(subject, traffic));
      if (cpus == 2) counted = subject.read().destinations.at(0).packets;
    }
  }
  std::printf("}, \"processors\": {");
  print("1", one, ", ");
  print("2", two, ", ");
  std::printf("\"sent\": %u, \"counted\": %lu}}\n", 2 * 2 * kEach, counted);
} catch (const egress::Error& error) {
  std::fprintf(stderr, "bench: %s (%s)\n", error.what(), error.detail.c_str());
  return 1;
}
