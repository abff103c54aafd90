// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "error.h"

namespace egress {

/// What all maps have: a descriptor, a name, and errors that say which map and what was tried.
/// Whoever opened the descriptor closes it; those of the program are libbpf's.
class MapHandle {
 public:
  /// @param name must outlive this object
  MapHandle(int fd, const char* name) : fd_(fd), name_(name) {}

  int fd() const { return fd_; }
  const char* name() const { return name_; }

 protected:
  /// @returns whether there is such a key
  bool read(const void* key, void* value) const {
    const int error = bpf_map_lookup_elem(fd_, key, value);
    if (error != 0 && error != -ENOENT) throw Error("read map", name_, -error);
    return error == 0;
  }
  void write(const void* key, const void* value) const {
    const int error = bpf_map_update_elem(fd_, key, value, BPF_ANY);
    if (error != 0) throw Error("write map", name_, -error);
  }

 private:
  int fd_;
  const char* name_;
};

/// A map whose keys have one value each: an array, a hash or a trie.
template <typename Key, typename Value>
class Map : public MapHandle {
 public:
  using MapHandle::MapHandle;
  Map(MapHandle map) : MapHandle(map) {}

  /// The value of a key, if there is such a key.
  /// @throws Error "read map"
  std::optional<Value> lookup(const Key& key) const {
    Value value{};
    return read(&key, &value) ? std::optional(value) : std::nullopt;
  }

  /// The value of a key that is there, as each of an array is.
  /// @throws Error "read map"
  Value at(const Key& key) const {
    if (auto value = lookup(key)) return *value;
    throw Error("read map", name(), ENOENT);
  }

  /// @throws Error "write map"
  void update(const Key& key, const Value& value) const { write(&key, &value); }

  /// Removes a key, if it is there.
  /// @throws Error "write map"
  void remove(const Key& key) const {
    const int error = bpf_map_delete_elem(fd(), &key);
    if (error != 0 && error != -ENOENT) throw Error("write map", name(), -error);
  }

  /// Calls `each` with every key and its value. Not while keys are removed: then it begins anew.
  /// @throws Error "read map"
  template <typename Each>
  void for_each(Each each) const {
    Key key{};
    const Key* previous = nullptr;
    int error;
    while ((error = bpf_map_get_next_key(fd(), previous, &key)) == 0) {
      if (const auto value = lookup(key)) each(key, *value);
      previous = &key;
    }
    if (error != -ENOENT) throw Error("read map", name(), -error);
  }
};

/// The processors that this machine can have.
/// @throws Error "count processors"
inline size_t possible_cpus() {
  const int count = libbpf_num_possible_cpus();
  if (count < 0) throw Error("count processors", "/sys/devices/system/cpu/possible", -count);
  return static_cast<size_t>(count);
}

/// A map whose keys have a value for each processor.
template <typename Key, typename Value>
class PerCpuMap : public MapHandle {
 public:
  static_assert(sizeof(Value) % 8 == 0, "the kernel rounds values up to 8 bytes");
  using MapHandle::MapHandle;
  PerCpuMap(MapHandle map) : MapHandle(map) {}

  /// The values of a key that is there, as each of an array is.
  /// @throws Error "read map"
  std::vector<Value> at(const Key& key) const {
    std::vector<Value> values(possible_cpus());
    if (!read(&key, values.data())) throw Error("read map", name(), ENOENT);
    return values;
  }

  /// Writes zeros for all processors.
  /// @throws Error "write map"
  void clear(const Key& key) const { write(&key, std::vector<Value>(possible_cpus()).data()); }
};

/// A stack: values without keys.
template <typename Value>
class StackMap : public MapHandle {
 public:
  using MapHandle::MapHandle;
  StackMap(MapHandle map) : MapHandle(map) {}

  /// @throws Error "write map"
  void push(const Value& value) const { write(nullptr, &value); }
};

}  // namespace egress
