// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "../attachment.h"
#include "../contacts.h"
#include "../exporter.h"
#include "../ranking.h"

namespace egress::node {

/// A JavaScript array of what `convert` makes of each item.
template <typename Items, typename Convert>
Napi::Array to_array(Napi::Env env, const Items& items, Convert convert) {
  auto array = Napi::Array::New(env);
  for (const auto& item : items) array.Set(array.Length(), convert(item));
  return array;
}

/// Names, as a JavaScript array of strings.
template <typename Names>
Napi::Array to_strings(Napi::Env env, const Names& names) {
  return to_array(env, names, [](const auto& name) { return name; });
}

/// What src/kernel/native/ has under the same names.
Napi::Object to_object(Napi::Env env, const NamedDestination& destination);
Napi::Object to_object(Napi::Env env, const Ranking& ranking);
Napi::Object to_object(Napi::Env env, const Predecessor& before);
Napi::Object to_object(Napi::Env env, const AttachmentInfo& attachment);
Napi::Object to_object(Napi::Env env, const Exporter::Adopted& adopted);
Napi::Object to_object(Napi::Env env, const SweepResult& swept);
Napi::Object to_object(Napi::Env env, const UnnamedSender& unnamed);
Napi::Object to_object(Napi::Env env, const KeptPins& kept);
Napi::Object to_object(Napi::Env env, const Program::RunStatistics& statistics);

/// { count: number, json: ArrayBuffer, keys: BigUint64Array }
Napi::Object to_object(Napi::Env env, const Contacts& contacts);

/// { bytes: Uint8Array, length: number, action: string }[]
std::vector<PrefixRule> to_prefix_rules(const Napi::Array& array);

/// { slot: number, sender: bigint, service: string, and so on }[]
/// @throws Napi::RangeError if a name is too long
std::vector<NamedSender> to_named_senders(const Napi::Array& array);

std::vector<uint32_t> to_numbers(const Napi::Array& array);

/// What publish() gets: two keys for each first contact, which are id and time of the first packet.
/// @throws Napi::RangeError if their numbers do not fit
std::vector<NamedDestination> to_destinations(const Napi::BigUint64Array& keys,
                                              const Napi::Float64Array& first_seen_ms);

/// @throws Napi::RangeError if there is no such order
Query to_query(const Napi::Object& wanted);

ExporterOptions exporter_options(const Napi::Object& options);

/// "tcx" or "clsact"
const char* mode_name(Mode mode);

/// Of "tcx" and "clsact"; kAuto of anything else.
Mode mode_of(const std::string& name);

}  // namespace egress::node
