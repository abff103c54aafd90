// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace egress {

/// A failed request to the kernel: what was tried, on what, and its errno.
class Error : public std::runtime_error {
 public:
  /// @param operation what was tried, one of the words that src/kernel/explain.ts knows
  /// @param object what it was tried on, such as an interface's name; may be empty
  /// @param number positive errno
  /// @param detail what the kernel or libbpf said about it; may be empty
  Error(std::string operation, std::string object, int number, std::string detail = {})
      : std::runtime_error(operation + (object.empty() ? "" : " " + object) + ": " +
                           std::strerror(number)),
        operation(std::move(operation)),
        object(std::move(object)),
        number(number),
        detail(std::move(detail)) {}

  const std::string operation;
  const std::string object;
  const int number;
  const std::string detail;
};

}  // namespace egress
