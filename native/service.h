// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "label.h"

namespace egress {

/// Who sends, as src/services/service.ts has it.
struct Service {
  std::string service;
  std::string kind;
  std::string slice;
  std::string container_id;
  std::string pod_uid;
  std::string cgroup;
};

/// The longest name of a service, in bytes: 512 characters (src/services/shown-name.ts).
constexpr size_t kServiceNameMax = 3 * 512;

/// A service as metrics have it.
struct ServiceLabels {
  std::string text;         ///< service="…",kind="…" and so on, without braces
  size_t service_size = 0;  ///< of the first label

  ServiceLabels() = default;
  ServiceLabels(std::string text, size_t service_size)
      : text(std::move(text)), service_size(service_size) {}
  explicit ServiceLabels(const Service& service) {
    append_label(text, "service", service.service);
    service_size = text.size();
    append_label(text += ',', "kind", service.kind);
    const size_t short_size = text.size();
    append_label(text += ',', "slice", service.slice);
    append_label(text += ',', "container_id", service.container_id);
    append_label(text += ',', "pod_uid", service.pod_uid);
    append_label(text += ',', "cgroup", service.cgroup);
    if (text.size() <= kMost) return;
    // The name is what counts.
    text.resize(short_size);
    for (const char* label : {"slice", "container_id", "pod_uid", "cgroup"})
      append_label(text += ',', label, {});
  }

  /// The first label.
  std::string_view service() const { return std::string_view(text).substr(0, service_size); }

  /// Its value, quoted. JSON would quote it alike: names have no control characters.
  std::string_view service_value() const { return service().substr(service().find('"')); }

  /// Beyond so many bytes all but the name and the kind is left out.
  static constexpr size_t kMost = 2000;
};

}  // namespace egress
