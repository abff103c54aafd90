// SPDX-License-Identifier: Apache-2.0
//
// The only code where the order of stores is correctness. Nothing here may change places:
//
//   retire  1. state = RETIRED      the cached way to the record ends
//           2. key out of the index the next packet to it makes a new record
//           3. grace period         no program counts on it any more
//           4. journal, pending = 1 which record, and the sums as they will be
//           5. sums = journal's     twice is as good as once
//           6. counts = 0, then state = RETURNED
//           7. pending = 0
//           8. id into free_ids     a new key may get it
//   remove  1., 2., 6., 8.          nobody counts, and nothing is kept
//   rekey   1. the record's key   2. new key into the index   3. old key out of it
//
// Killed after 1 or 2, a process leaves a RETIRED record: repair() begins with it anew. After 4, 5
// or 6 it leaves a journal: repair() goes on with 5. After 7 the record is lost, and costs one of
// the limit; that it is in free_ids twice, and two keys get it, would be worse. In the middle of
// rekey, the key in the index that differs from its record's is the stale one.
#include "retirement.h"

#include "grace_period.h"

namespace egress {

Retirement::Retirement(const Program& program, Records& records)
    : records_(records),
      retired_counts_(program.mmapable(), program.maps().retired_counts, EGRESS_INTERFACES_MAX),
      journal_(program.mmapable(), program.maps().retire_journal, 1) {}

void Retirement::retire(const std::vector<uint32_t>& ids, egress_unlisted reason,
                        const std::function<void(uint32_t id)>& last_look) {
  if (ids.empty()) return;
  for (uint32_t id : ids) {
    records_.mark_retired(id);
    records_.unindex(id, records_[id].key);
  }
  wait_for_running_programs();
  for (uint32_t id : ids) {
    records_.refresh(id);
    if (last_look) last_look(id);
    keep_counts(id, reason);
    records_.free(id);
  }
}

void Retirement::keep_counts(uint32_t id, egress_unlisted reason) {
  const egress_destination& record = records_[id];
  const egress_counter& before = retired_counts_[record.slot].unlisted[reason];
  const egress_counts counted = records_.counts(record);
  egress_retire_journal& journal = journal_[0];
  journal.id = id;
  journal.slot = record.slot;
  journal.reason = reason;
  journal.sum = {before.packets + counted.packets, before.bytes + counted.bytes};
  store<__u64>(journal.pending, 1);
  finish_journal();
}

void Retirement::finish_journal() {
  egress_retire_journal& journal = journal_[0];
  egress_counter& counter = retired_counts_[journal.slot].unlisted[journal.reason];
  store(counter.packets, journal.sum.packets);
  store(counter.bytes, journal.sum.bytes);
  clear(journal.id);
  store<__u64>(journal.pending, 0);
}

void Retirement::clear(uint32_t id) {
  records_.free_cpu_slot(id);
  records_.change(id, [](egress_destination& record) {
    store<__u16>(record.cpu_slot, 0);
    store<__u64>(record.packets, 0);
    store<__u64>(record.bytes, 0);
    store<__u64>(record.tcp_connects, 0);
    store<__u8>(record.state, EGRESS_RETURNED);
  });
}

void Retirement::remove(uint32_t ifindex) {
  auto all = records_.all();
  for (uint32_t id = 0; id < all.size(); id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != ifindex) continue;
    records_.change(id,
                    [](egress_destination& record) { store<__u8>(record.state, EGRESS_RETIRED); });
    records_.unindex(id, all[id].key);
    clear(id);
    records_.free(id);
  }
}

void Retirement::rekey(uint32_t from, uint32_t to) {
  auto all = records_.all();
  for (uint32_t id = 0; id < all.size(); id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != from) continue;
    const egress_key old = all[id].key;
    records_.change(id, [to](egress_destination& record) { store(record.key.ifindex, to); });
    records_.index(id);
    records_.unindex(id, old);
  }
}

}  // namespace egress
