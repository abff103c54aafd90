// SPDX-License-Identifier: Apache-2.0
//
// What several files include and what takes long to read, compiled once (binding.gyp). Each file
// still includes what it uses.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
