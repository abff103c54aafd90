// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "clsact_filter.h"
#include "fd.h"
#include "pins.h"

namespace egress {

/// How a program is attached to an interface.
enum class Mode { kAuto, kTcx, kClsact };

/// A TCX link at the head of an interface's egress chain (Linux 6.6). Without a pin it ends with
/// its last descriptor, so even kill -9 leaves nothing behind. The destructor detaches.
class TcxLink {
 public:
  /// Takes over the link that is pinned for this interface, where it is still attached: its program
  /// is exchanged for this one between two packets.
  /// @param pins null: the link ends with this object, as one that cannot be pinned does
  /// @throws Error "attach tcx", and as PinFolder does
  TcxLink(int program_fd, uint32_t ifindex, const std::string& name, const PinFolder* pins);
  TcxLink(TcxLink&&) noexcept = default;
  TcxLink& operator=(TcxLink&& other) noexcept;
  ~TcxLink();

  bool is_attached() const;

  int fd() const { return link_.get(); }

  /// The name of the pin for an interface.
  static std::string pin_name(uint32_t ifindex) { return "tcx-" + std::to_string(ifindex); }

  /// Gives it up to its pin: the destructor leaves it attached.
  void release() { link_ = Fd(); }

  /// Whether this kernel has TCX: probed by asking the loopback device's chain.
  static bool supported();

  /// Removes the link that is pinned for an interface, if there is one.
  static void remove(uint32_t ifindex, const PinFolder& pins);

 private:
  Fd link_;
  std::string pin_;  // its file; empty: none
};

/// Monostate: nothing any more.
using Attachment = std::variant<std::monostate, TcxLink, ClsactFilter>;

/// kTcx or kClsact; kAuto takes TCX where the kernel has it.
Mode resolve(Mode mode);

/// Something that runs before the program at an interface's egress, and may end the chain.
struct Predecessor {
  Mode mode;            ///< kTcx or kClsact
  uint32_t priority;    ///< of a clsact filter
  uint32_t program_id;  ///< 0: a filter that is not BPF
  std::string name;     ///< of a filter: its own, or its kind
};

/// What runs before it; none if it is not attached any more where it was made: others can remove
/// it, and a device takes it along.
/// @param own the ids of this program's entries
/// @throws Error "list programs", "list filters"
std::optional<std::vector<Predecessor>> predecessors(const Attachment& attachment, uint32_t ifindex,
                                                     const std::string& name,
                                                     std::initializer_list<uint32_t> own);

/// Leaves it attached when it ends.
void release(Attachment& attachment);

/// The ids of the programs in an interface's TCX egress chain, in the order in which they run; none
/// where the kernel has no TCX.
/// @throws Error "list programs"
std::vector<uint32_t> tcx_chain(uint32_t ifindex, const std::string& name);

}  // namespace egress
