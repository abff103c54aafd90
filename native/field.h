// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace egress {

/// Loads a field of a record once, whole: the kernel writes records while they are read.
template <typename T>
T load(const T& field, int order = __ATOMIC_RELAXED) {
  return __atomic_load_n(&field, order);
}

/// Stores a field, in order with what comes before: a killed process has made all stores up to some
/// point.
template <typename T>
void store(T& field, T value) {
  __atomic_store_n(&field, value, __ATOMIC_RELEASE);
}

}  // namespace egress
