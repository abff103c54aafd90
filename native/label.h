// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace egress {

/// Appends NAME="VALUE". Backslash, quote and line feed are escaped, as both text formats have it.
inline void append_label(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append("=\"");
  for (char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  text += '"';
}

}  // namespace egress
