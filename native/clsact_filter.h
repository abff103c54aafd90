// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "traffic_control.h"

namespace egress {

/// A direct-action cls_bpf filter on an interface's clsact qdisc. It is found by its handle and its
/// program, at whatever priority it has. The destructor removes the filter, and the qdisc only if
/// this program made it and nobody else has a filter on it.
class ClsactFilter {
 public:
  /// "egre" in ASCII.
  static constexpr uint32_t kHandle = 0x65677265;

  /// @param made_qdisc whether an earlier run made the qdisc that is there
  /// @param replaced the program of a filter of this program's that is to be exchanged for this
  /// one,
  ///        between two packets; 0: none
  /// @throws Error "attach clsact"; EBUSY with the id of its program if there is another filter of
  ///         this program's; "add clsact qdisc" EEXIST if an `ingress` qdisc has the place
  ClsactFilter(int program_fd, uint32_t ifindex, const std::string& name, bool made_qdisc,
               uint32_t replaced);
  /// Owns what an earlier run left.
  static ClsactFilter adopt(uint32_t ifindex, bool made_qdisc) { return {ifindex, made_qdisc}; }
  ClsactFilter(ClsactFilter&& other) noexcept;
  ClsactFilter& operator=(ClsactFilter&& other) noexcept;
  ~ClsactFilter();

  /// The filters that run before it; none if it is not attached any more.
  /// @throws Error "list filters"
  std::optional<std::vector<traffic_control::Filter>> before() const;
  bool made_qdisc() const { return made_qdisc_; }

  /// Gives it up: the destructor leaves it attached.
  void release() { ifindex_ = 0; }

  /// A filter of this program's, whoever put it there.
  struct Leftover {
    uint32_t ifindex;
    std::string interface;
    uint32_t program_id;
  };
  /// @throws Error "list interfaces", "list qdiscs", "list filters"
  static std::vector<Leftover> find_all();
  /// Removes such a filter, and nothing else: the qdisc may be anybody's.
  /// @throws Error "list filters", "remove filter"
  static void remove(uint32_t ifindex, const std::string& name, uint32_t program_id);

 private:
  ClsactFilter(uint32_t ifindex, bool made_qdisc) : ifindex_(ifindex), made_qdisc_(made_qdisc) {}
  void remove_qdisc_if_unused() noexcept;

  uint32_t ifindex_;  // 0: moved from, or released
  bool made_qdisc_;
  uint32_t program_id_ = 0;  // 0: an earlier run's
};

}  // namespace egress
