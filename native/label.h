// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace egress {

/// Appends "VALUE". Backslash, quote and line feed are escaped, as both text formats have it.
inline void append_quoted(std::string& text, std::string_view value) {
  text += '"';
  for (char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  text += '"';
}

/// The value of a text that append_quoted() made.
inline std::string unquoted(std::string_view quoted) {
  std::string value;
  for (size_t i = 1; i + 1 < quoted.size(); i++) {
    if (quoted[i] != '\\')
      value += quoted[i];
    else
      value += quoted[++i] == 'n' ? '\n' : quoted[i];
  }
  return value;
}

/// Appends NAME="VALUE".
inline void append_label(std::string& text, std::string_view name, std::string_view value) {
  append_quoted(text.append(name).append("="), value);
}

}  // namespace egress
