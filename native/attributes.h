// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace egress::netlink {

/// Calls `each` with every attribute of a message whose body is a Body.
template <typename Body, typename Each>
void for_each_attribute(const nlmsghdr* message, Each each) {
  auto* body = static_cast<const char*>(NLMSG_DATA(message));
  int left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof(Body)));
  for (auto* attribute = reinterpret_cast<const rtattr*>(body + NLMSG_ALIGN(sizeof(Body)));
       RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
    each(attribute);
}

/// Calls `each` with every attribute within an attribute.
template <typename Each>
void for_each_nested(const rtattr* outer, Each each) {
  int left = static_cast<int>(RTA_PAYLOAD(outer));
  for (auto* inner = static_cast<const rtattr*>(RTA_DATA(outer)); RTA_OK(inner, left);
       inner = RTA_NEXT(inner, left))
    each(inner);
}

inline uint32_t as_u32(const rtattr* attribute) {
  uint32_t value;
  std::memcpy(&value, RTA_DATA(attribute), sizeof(value));
  return value;
}

inline std::string as_string(const rtattr* attribute) {
  return static_cast<const char*>(RTA_DATA(attribute));
}

}  // namespace egress::netlink
