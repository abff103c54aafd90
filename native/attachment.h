// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "fd.h"

namespace egress {

/// How a program hangs on an interface.
enum class Mode { kAuto, kTcx, kClsact };

/// A TCX link at the head of an interface's egress chain (Linux 6.6). It ends with its last
/// descriptor, so even kill -9 leaves nothing behind.
class TcxLink {
 public:
  /// @throws Error "attach tcx"
  TcxLink(int program_fd, uint32_t ifindex, const std::string& name);

  bool hangs() const;

  /// Whether this kernel has TCX: probed by asking the loopback device's chain.
  static bool supported();

 private:
  Fd link_;
};

/// A direct-action cls_bpf filter on an interface's clsact qdisc, known by its priority and handle.
/// The destructor removes the filter, and the qdisc only if this object made it and nobody else has
/// a filter on it.
class ClsactFilter {
 public:
  /// The first that runs: other filters of the same priority come after a newer one.
  static constexpr uint32_t kPriority = 1;
  /// "egre" in ASCII.
  static constexpr uint32_t kHandle = 0x65677265;

  /// Replaces what an earlier run left under the same priority and handle.
  /// @throws Error "attach clsact"
  ClsactFilter(int program_fd, uint32_t ifindex, const std::string& name);
  ClsactFilter(ClsactFilter&& other) noexcept;
  ClsactFilter& operator=(ClsactFilter&& other) noexcept;
  ~ClsactFilter();

  bool hangs() const;

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
  void remove_qdisc_if_unused() noexcept;

  uint32_t ifindex_;  // 0: moved from
  bool made_qdisc_;
  uint32_t program_id_ = 0;
};

/// Monostate: nothing any more.
using Attachment = std::variant<std::monostate, TcxLink, ClsactFilter>;

/// Attaches a program to an interface's egress; kAuto takes TCX where the kernel has it.
Attachment attach(int program_fd, uint32_t ifindex, const std::string& name, Mode mode);

/// Whether it still hangs where it was made; others can remove it, and a device takes it along.
bool hangs(const Attachment& attachment);

/// "tcx" or "clsact".
const char* mode_name(const Attachment& attachment);

}  // namespace egress
