// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>

#include "egress.skel.h"
#include "error.h"
#include "fd.h"
#include "libbpf_log.h"

namespace egress {
namespace {

bool kernel_has_mmapable_arrays() {
  bpf_map_create_opts opts{};
  opts.sz = sizeof(opts);
  opts.map_flags = BPF_F_MMAPABLE;
  Fd probe(bpf_map_create(BPF_MAP_TYPE_ARRAY, "egress_probe", sizeof(uint32_t), sizeof(uint64_t), 1,
                          &opts));
  return static_cast<bool>(probe);
}

}  // namespace

void write(int map_fd, const char* map, const void* key, const void* value) {
  int error = bpf_map_update_elem(map_fd, key, value, BPF_ANY);
  if (error != 0) throw Error("write map", map, -error);
}

void Program::Destroy::operator()(egress_bpf* skeleton) const { egress_bpf::destroy(skeleton); }

Program::Program(const ProgramOptions& options)
    : mmapable_(options.map_memory && kernel_has_mmapable_arrays()) {
  LibbpfLog log;
  skeleton_.reset(egress_bpf::open());
  if (!skeleton_) throw Error("load program", "", errno, log.text());

  const auto& maps = skeleton_->maps;
  for (bpf_map* map : {maps.destinations, maps.destination_ids, maps.free_ids})
    bpf_map__set_max_entries(map, options.destinations_limit);
  // A trie cannot be empty.
  auto exclusions = std::max<uint32_t>(1, static_cast<uint32_t>(options.exclusions.size()));
  bpf_map__set_max_entries(maps.exclusions, exclusions);
  if (mmapable_) bpf_map__set_map_flags(maps.destinations, BPF_F_MMAPABLE);

  int error = egress_bpf::load(skeleton_.get());
  if (error != 0) throw Error("load program", "", -error, log.text());

  const uint32_t excluded = 1;
  for (const egress_prefix& prefix : options.exclusions)
    write(bpf_map__fd(maps.exclusions), "exclusions", &prefix, &excluded);
  // The last id pushed is the first taken: the table fills from its start.
  for (uint32_t id = options.destinations_limit; id-- > 0;)
    write(bpf_map__fd(maps.free_ids), "free_ids", nullptr, &id);
}

Program::~Program() = default;

int Program::ethernet_fd() const { return bpf_program__fd(skeleton_->progs.egress_ethernet); }
int Program::ip_fd() const { return bpf_program__fd(skeleton_->progs.egress_ip); }
int Program::destination_ids_fd() const { return bpf_map__fd(skeleton_->maps.destination_ids); }
int Program::free_ids_fd() const { return bpf_map__fd(skeleton_->maps.free_ids); }
int Program::destinations_fd() const { return bpf_map__fd(skeleton_->maps.destinations); }
int Program::interface_slots_fd() const { return bpf_map__fd(skeleton_->maps.interface_slots); }
int Program::interfaces_fd() const { return bpf_map__fd(skeleton_->maps.interfaces); }

}  // namespace egress
