// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "attachment.h"
#include "pins.h"
#include "program.h"

namespace egress {

/// How the program is attached to an interface.
struct AttachmentInfo {
  Mode mode;  ///< kTcx or kClsact
  std::vector<Predecessor> before;
};

/// What this process attached, interface by interface. Safe on any thread; its lock is held for one
/// interface at a time, so that even the main thread may wait for it.
class Attachments {
 public:
  /// @param program, pins must outlive this object
  /// @param pins null: nothing outlives the process
  Attachments(const Program& program, const PinFolder* pins) : program_(program), pins_(pins) {}

  /// Attaches, also in place of what is attached there; what an earlier run attached goes.
  /// @param flags of its slot, EGRESS_SLOT_*
  /// @param replaced as of ClsactFilter
  /// @returns the flags that the slot has now
  /// @throws Error as TcxLink and ClsactFilter do
  uint32_t attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
                  uint32_t flags, uint32_t replaced);

  /// Detaches; what an earlier run attached, as far as it is still there.
  /// @param flags of its slot
  void detach(uint32_t ifindex, uint32_t flags);
  /// Removes the filter that an earlier run attached, if its slot says that it did.
  static void remove_left_filter(uint32_t ifindex, uint32_t flags);

  /// Whether this process attached the program there, and has not detached it.
  bool has(uint32_t ifindex) const;
  /// How it is attached; none if it is not any more: others can remove it.
  /// @throws Error "list programs", "list filters"
  std::optional<AttachmentInfo> info(uint32_t ifindex) const;

  /// Calls `each` with the TCX links that are attached and their pins' names.
  void for_each_link(const std::function<void(const std::string& pin, int fd)>& each) const;

  /// Detaches everywhere, or releases everything to its pins. Idempotent.
  void close(bool to_pins);

 private:
  struct Attached {
    std::string name;
    Attachment attachment;
  };

  const Program& program_;
  const PinFolder* pins_;
  mutable std::mutex mutex_;               // guards what follows
  std::map<uint32_t, Attached> attached_;  // by ifindex
};

}  // namespace egress
