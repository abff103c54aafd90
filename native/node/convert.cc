// SPDX-License-Identifier: Apache-2.0
#include "convert.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "../exposition.h"

namespace egress::node {

Napi::Object to_object(Napi::Env env, const NamedDestination& destination) {
  auto object = Napi::Object::New(env);
  for_each_field(destination, [&](const char* name, const auto& value) {
    if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(value)>>)
      object.Set(name, static_cast<double>(value));
    else
      object.Set(name, value);
  });
  return object;
}

/// { count: number, json: ArrayBuffer, keys: BigUint64Array }
Napi::Object to_object(Napi::Env env, const Contacts& contacts) {
  auto json = Napi::ArrayBuffer::New(env, contacts.json.size());
  std::memcpy(json.Data(), contacts.json.data(), contacts.json.size());
  auto keys = Napi::BigUint64Array::New(env, contacts.keys.size());
  std::copy(contacts.keys.begin(), contacts.keys.end(), keys.Data());
  auto object = Napi::Object::New(env);
  object.Set("count", static_cast<double>(contacts.keys.size() / 2));
  object.Set("json", json);
  object.Set("keys", keys);
  return object;
}

Napi::Object to_object(Napi::Env env, const egress_counter& counter) {
  auto object = Napi::Object::New(env);
  object.Set("packets", static_cast<double>(counter.packets));
  object.Set("bytes", static_cast<double>(counter.bytes));
  return object;
}

void set_rate(Napi::Object object, Rate rate) {
  object.Set("packetsPerSecond", rate.packets);
  object.Set("bytesPerSecond", rate.bytes);
}

Napi::Object to_object(Napi::Env env, const RatedInterface& rated) {
  const auto& counters = rated.interface.counters;
  auto object = to_object(env, counters.total);
  object.Set("interface", rated.interface.name);
  object.Set("destinations", static_cast<double>(rated.interface.destinations));
  auto unlisted = Napi::Object::New(env);
  for (size_t reason = 0; reason < kReasons.size(); reason++)
    unlisted.Set(std::string(kReasons[reason]), to_object(env, counters.unlisted[reason]));
  object.Set("unlisted", unlisted);
  set_rate(object, rated.rate);
  return object;
}

Napi::Object to_object(Napi::Env env, const Ranking& ranking) {
  auto object = Napi::Object::New(env);
  object.Set("matched", static_cast<double>(ranking.matched));
  object.Set("rows", to_array(env, ranking.rows, [&](const auto& row) {
               auto rated = to_object(env, row.destination);
               set_rate(rated, row.rate);
               if (ranking.by_service) rated.Set("service", unquoted(row.destination.own->service));
               return rated;
             }));
  object.Set("interfaces", to_array(env, ranking.interfaces, [env](const auto& interface) {
               return to_object(env, interface);
             }));
  object.Set("services", to_array(env, ranking.services, [env](const auto& service) {
               auto rated = to_object(env, service.counters);
               rated.Set("service", unquoted(service.service));
               rated.Set("destinations", static_cast<double>(service.destinations));
               set_rate(rated, service.rate);
               return rated;
             }));
  return object;
}

/// { bytes: Uint8Array, length: number }
egress_prefix to_prefix(const Napi::Object& prefix) {
  auto address = prefix.Get("bytes").As<Napi::Uint8Array>();
  egress_prefix key{};
  key.family = address.ByteLength() == sizeof(in_addr) ? AF_INET : AF_INET6;
  key.length = EGRESS_FAMILY_BITS + prefix.Get("length").As<Napi::Number>().Uint32Value();
  std::memcpy(key.address, address.Data(), std::min(address.ByteLength(), sizeof(key.address)));
  return key;
}

/// { bytes: Uint8Array, length: number, action: string }[]
std::vector<PrefixRule> to_prefix_rules(const Napi::Array& array) {
  std::vector<PrefixRule> rules;
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto prefix = array.Get(i).As<Napi::Object>();
    const std::string action = prefix.Get("action").As<Napi::String>();
    rules.push_back({to_prefix(prefix), action == "include" ? EGRESS_INCLUDE : EGRESS_EXCLUDE});
  }
  return rules;
}

Query to_query(const Napi::Object& wanted) {
  Query query;
  if (wanted.Has("search")) query.search = wanted.Get("search").As<Napi::String>();
  if (wanted.Has("interface")) query.interface = wanted.Get("interface").As<Napi::String>();
  if (wanted.Has("within")) query.within = to_prefix(wanted.Get("within").As<Napi::Object>());
  if (wanted.Has("service"))
    append_quoted(query.service, std::string(wanted.Get("service").As<Napi::String>()));
  query.by_service = wanted.Get("byService").ToBoolean() || !query.service.empty();
  auto number = [&](const char* name) { return wanted.Get(name).As<Napi::Number>().Uint32Value(); };
  if (wanted.Has("protocol")) query.protocol = static_cast<uint8_t>(number("protocol"));
  if (wanted.Has("port")) query.port = static_cast<uint16_t>(number("port"));
  if (wanted.Has("onlyThese")) {
    query.only_these.emplace();
    auto array = wanted.Get("onlyThese").As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) {
      auto one = array.Get(i).As<Napi::Object>();
      query.only_these->push_back({one.Get("interface").As<Napi::String>(),
                                   to_prefix(one.Get("prefix").As<Napi::Object>())});
    }
  }
  const std::string order = wanted.Get("order").As<Napi::String>();
  query.order = find_order(order);
  if (!query.order) throw Napi::RangeError::New(wanted.Env(), "there is no such order");
  query.descending = wanted.Get("descending").ToBoolean();
  query.offset = number("offset");
  query.limit = number("limit");
  return query;
}

ExporterOptions exporter_options(const Napi::Object& options) {
  auto number = [&](const char* name) {
    return options.Get(name).As<Napi::Number>().Uint32Value();
  };
  ExporterOptions result;
  result.program.destinations_limit = number("destinationsLimit");
  result.program.prefix_rules = to_prefix_rules(options.Get("prefixRules").As<Napi::Array>());
  result.program.ipv4_prefix_length = number("ipv4PrefixLength");
  result.program.ipv6_prefix_length = number("ipv6PrefixLength");
  result.program.aggregate_replies = options.Get("aggregateReplies").ToBoolean();
  result.program.services_limit = number("servicesLimit");
  if (options.Has("oldKernel")) result.program.old_kernel = options.Get("oldKernel").ToBoolean();
  result.pin_path = options.Get("pinPath").As<Napi::String>();
  return result;
}

Napi::Object to_object(Napi::Env env, const UnnamedSender& unnamed) {
  auto object = Napi::Object::New(env);
  object.Set("slot", unnamed.slot);
  object.Set("sender", Napi::BigInt::New(env, unnamed.sender));
  // What came in by an interface has no cgroup.
  const bool is_cgroup = !(unnamed.sender & EGRESS_SENDER_INGRESS);
  object.Set("cgroup", is_cgroup ? std::to_string(unnamed.sender) : "0");
  object.Set("ingress", unnamed.ingress);
  return object;
}

std::vector<NamedSender> to_named_senders(const Napi::Array& array) {
  std::vector<NamedSender> named;
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto one = array.Get(i).As<Napi::Object>();
    const auto text = [&](const char* name) -> std::string {
      return one.Get(name).As<Napi::String>();
    };
    bool whole;
    named.push_back({one.Get("slot").As<Napi::Number>(),
                     one.Get("sender").As<Napi::BigInt>().Uint64Value(&whole),
                     {text("service"), text("kind"), text("slice"), text("containerId"),
                      text("podUid"), text("cgroup")}});
    if (named.back().service.service.size() > kServiceNameMax)
      throw Napi::RangeError::New(array.Env(), "the name of a service is too long");
  }
  return named;
}

const char* mode_name(Mode mode) { return mode == Mode::kTcx ? "tcx" : "clsact"; }

Mode mode_of(const std::string& name) {
  if (name == "tcx") return Mode::kTcx;
  if (name == "clsact") return Mode::kClsact;
  return Mode::kAuto;
}

Napi::Object to_object(Napi::Env env, const Predecessor& before) {
  auto object = Napi::Object::New(env);
  object.Set("mode", mode_name(before.mode));
  object.Set("priority", before.priority);
  object.Set("programId", before.program_id);
  object.Set("name", before.name);
  return object;
}

Napi::Object to_object(Napi::Env env, const Exporter::Adopted& adopted) {
  auto object = Napi::Object::New(env);
  object.Set("ifindex", adopted.ifindex);
  object.Set("name", adopted.name);
  return object;
}

Napi::Object to_object(Napi::Env env, const AttachmentInfo& attachment) {
  auto object = Napi::Object::New(env);
  object.Set("mode", mode_name(attachment.mode));
  object.Set("before", to_array(env, attachment.before,
                                [env](const auto& before) { return to_object(env, before); }));
  return object;
}

Napi::Object to_object(Napi::Env env, const SweepResult& swept) {
  auto object = Napi::Object::New(env);
  object.Set("listed", static_cast<double>(swept.listed));
  object.Set("expired", static_cast<double>(swept.expired));
  object.Set("evicted", static_cast<double>(swept.evicted));
  object.Set("overflowPackets", static_cast<double>(swept.overflow_packets));
  return object;
}

Napi::Object to_object(Napi::Env env, const KeptPins& kept) {
  auto object = Napi::Object::New(env);
  object.Set("anew", to_strings(env, kept.anew));
  object.Set("lost", to_strings(env, kept.lost));
  object.Set("reason", kept.reason);
  return object;
}

Napi::Object to_object(Napi::Env env, const Program::RunStatistics& statistics) {
  auto object = Napi::Object::New(env);
  object.Set("runs", static_cast<double>(statistics.runs));
  object.Set("seconds", static_cast<double>(statistics.ns) / 1e9);
  return object;
}

std::vector<uint32_t> to_numbers(const Napi::Array& array) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i < array.Length(); i++)
    numbers.push_back(array.Get(i).As<Napi::Number>().Uint32Value());
  return numbers;
}

std::vector<NamedDestination> to_destinations(const Napi::BigUint64Array& keys,
                                              const Napi::Float64Array& first_seen_ms) {
  if (keys.ElementLength() != 2 * first_seen_ms.ElementLength())
    throw Napi::RangeError::New(keys.Env(), "two keys for each first contact");
  std::vector<NamedDestination> destinations(first_seen_ms.ElementLength());
  for (size_t i = 0; i < destinations.size(); i++) {
    destinations[i].id = static_cast<uint32_t>(keys[2 * i]);
    destinations[i].first_seen_ns = keys[2 * i + 1];
    destinations[i].first_seen_ms = static_cast<int64_t>(first_seen_ms[i]);
  }
  return destinations;
}

}  // namespace egress::node
