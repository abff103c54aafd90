// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "error.h"
#include "map.h"

namespace egress {

/// The values of an array map in this process's memory: the kernel's own pages, which programs and
/// other processes see too. The map must have BPF_F_MMAPABLE (Linux 5.5).
template <typename T>
class ArrayValues {
 public:
  static_assert(sizeof(T) % 8 == 0, "the kernel rounds values up to 8 bytes");

  /// @throws Error "map memory"
  ArrayValues(const Map<uint32_t, T>& map, uint32_t size) : values_(nullptr, Unmap{size}) {
    void* memory = mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd(), 0);
    if (memory == MAP_FAILED) throw Error("map memory", map.name(), errno);
    values_.reset(static_cast<T*>(memory));
  }

  std::span<T> get() const { return {values_.get(), values_.get_deleter().size}; }

 private:
  struct Unmap {
    size_t size;
    void operator()(T* values) const { munmap(values, size * sizeof(T)); }
  };
  std::unique_ptr<T, Unmap> values_;
};

/// An array of zeros that takes memory only where it is written.
template <typename T>
class ZeroedArray {
 public:
  static_assert(std::is_trivial_v<T>);

  /// @throws std::bad_alloc
  explicit ZeroedArray(size_t size) : values_(static_cast<T*>(std::calloc(size, sizeof(T)))) {
    if (!values_) throw std::bad_alloc();
  }

  T& operator[](size_t index) { return values_.get()[index]; }
  const T& operator[](size_t index) const { return values_.get()[index]; }

 private:
  struct Free {
    void operator()(T* values) const { std::free(values); }
  };
  std::unique_ptr<T, Free> values_;
};

/// An array that only user space uses: in a map, where it can outlive the process, or where maps
/// cannot be mapped in this process alone.
template <typename T>
class UserArray {
 public:
  /// @throws Error "map memory"
  UserArray(bool mmapable, const Map<uint32_t, T>& map, uint32_t size) {
    if (mmapable)
      mapped_.emplace(map, size);
    else
      private_.resize(size);
  }

  T& operator[](size_t index) { return mapped_ ? mapped_->get()[index] : private_[index]; }

 private:
  std::optional<ArrayValues<T>> mapped_;
  std::vector<T> private_;
};

}  // namespace egress
