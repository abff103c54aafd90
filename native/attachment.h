// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "fd.h"
#include "pins.h"

namespace egress {

/// How a program hangs on an interface.
enum class Mode { kAuto, kTcx, kClsact };

/// A TCX link at the head of an interface's egress chain (Linux 6.6). Without a pin it ends with
/// its last descriptor, so even kill -9 leaves nothing behind. The destructor detaches.
class TcxLink {
 public:
  /// Takes over the link that is pinned for this interface, where it still hangs: its program is
  /// exchanged for this one between two packets.
  /// @param pins null: the link ends with this object
  /// @throws Error "attach tcx", and as PinFolder does
  TcxLink(int program_fd, uint32_t ifindex, const std::string& name, const PinFolder* pins);
  TcxLink(TcxLink&&) noexcept = default;
  TcxLink& operator=(TcxLink&& other) noexcept;
  ~TcxLink();

  bool hangs() const;

  /// Gives it up to its pin: the destructor leaves it hanging.
  void leave() { link_ = Fd(); }

  /// Whether this kernel has TCX: probed by asking the loopback device's chain.
  static bool supported();

  /// Removes the link that is pinned for an interface, if there is one.
  static void remove(uint32_t ifindex, const PinFolder& pins);

 private:
  Fd link_;
  std::string pin_;  // its file; empty: none
};

/// A direct-action cls_bpf filter on an interface's clsact qdisc, known by its priority and handle.
/// The destructor removes the filter, and the qdisc only if this program made it and nobody else
/// has a filter on it.
class ClsactFilter {
 public:
  /// The first that runs: other filters of the same priority come after a newer one.
  static constexpr uint32_t kPriority = 1;
  /// "egre" in ASCII.
  static constexpr uint32_t kHandle = 0x65677265;

  /// Replaces what an earlier run left under the same priority and handle, between two packets.
  /// @param made_qdisc whether an earlier run made the qdisc that is there
  /// @throws Error "attach clsact"
  ClsactFilter(int program_fd, uint32_t ifindex, const std::string& name, bool made_qdisc);
  /// Owns what an earlier run left.
  static ClsactFilter adopt(uint32_t ifindex, bool made_qdisc) { return {ifindex, made_qdisc}; }
  ClsactFilter(ClsactFilter&& other) noexcept;
  ClsactFilter& operator=(ClsactFilter&& other) noexcept;
  ~ClsactFilter();

  bool hangs() const;
  bool made_qdisc() const { return made_qdisc_; }

  /// Gives it up: the destructor leaves it hanging.
  void leave() { ifindex_ = 0; }

  /// A filter of this program's, whoever put it there.
  struct Leftover {
    uint32_t ifindex;
    std::string interface;
    uint32_t program_id;
  };
  /// @throws Error "list interfaces", "list filters"
  static std::vector<Leftover> find_all();
  /// Removes such a filter, and nothing else: the qdisc may be anybody's.
  /// @throws Error "remove filter"
  static void remove(uint32_t ifindex, const std::string& name);

 private:
  ClsactFilter(uint32_t ifindex, bool made_qdisc) : ifindex_(ifindex), made_qdisc_(made_qdisc) {}
  void remove_qdisc_if_unused() noexcept;

  uint32_t ifindex_;  // 0: moved from, or left
  bool made_qdisc_;
  uint32_t program_id_ = 0;
};

/// Monostate: nothing any more.
using Attachment = std::variant<std::monostate, TcxLink, ClsactFilter>;

/// kTcx or kClsact; kAuto takes TCX where the kernel has it.
Mode resolve(Mode mode);

/// Whether it still hangs where it was made; others can remove it, and a device takes it along.
bool hangs(const Attachment& attachment);

/// Leaves it hanging when it ends.
void leave(Attachment& attachment);

/// The ids of the programs in an interface's TCX egress chain, in the order in which they run; none
/// where the kernel has no TCX.
/// @throws Error "list programs"
std::vector<uint32_t> tcx_chain(uint32_t ifindex, const std::string& name);

}  // namespace egress
