// SPDX-License-Identifier: Apache-2.0
#include "exporter.h"

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "../clock.h"
#include "../contacts.h"
#include "../exporter.h"
#include "../signals.h"
#include "convert.h"
#include "error.h"
#include "names.h"
#include "page_reader.h"
#include "promise.h"

namespace egress::node {
namespace {

class ExporterObject : public Napi::ObjectWrap<ExporterObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Exporter",
                       {InstanceMethod<&ExporterObject::attach>("attach"),
                        InstanceMethod<&ExporterObject::adopted>("adopted"),
                        InstanceMethod<&ExporterObject::replaced>("replaced"),
                        InstanceMethod<&ExporterObject::attachment_info>("attachmentInfo"),
                        InstanceMethod<&ExporterObject::detach>("detach"),
                        InstanceMethod<&ExporterObject::forget_departed>("forgetDeparted"),
                        InstanceMethod<&ExporterObject::sweep>("sweep"),
                        InstanceMethod<&ExporterObject::take_retired>("takeRetired"),
                        InstanceMethod<&ExporterObject::keep_pins>("keepPins"),
                        InstanceMethod<&ExporterObject::set_prefix_rules>("setPrefixRules"),
                        InstanceMethod<&ExporterObject::set_client_ports>("setClientPorts"),
                        InstanceMethod<&ExporterObject::drop_capabilities>("dropCapabilities"),
                        InstanceMethod<&ExporterObject::discover>("discover"),
                        InstanceMethod<&ExporterObject::rank>("rank"),
                        InstanceMethod<&ExporterObject::publish>("publish"),
                        InstanceMethod<&ExporterObject::find_active>("findActive"),
                        InstanceMethod<&ExporterObject::unnamed_senders>("unnamedSenders"),
                        InstanceMethod<&ExporterObject::name_senders>("nameSenders"),
                        InstanceMethod<&ExporterObject::enable_statistics>("enableStatistics"),
                        InstanceMethod<&ExporterObject::run_statistics>("runStatistics"),
                        InstanceMethod<&ExporterObject::read>("read"),
                        InstanceMethod<&ExporterObject::close>("close")});
  }

  explicit ExporterObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    exporter_ = guarded(info.Env(), [&] {
      const SignalBlock quiet;
      return std::make_shared<Exporter>(exporter_options(info[0].As<Napi::Object>()));
    });
    names_ = names_of(info[0].As<Napi::Object>().Get("names"));
    // At a thread's or process's end finalizers come late or never, hooks in time.
    info.Env().AddCleanupHook([weak = std::weak_ptr(exporter_)] {
      if (auto exporter = weak.lock()) exporter->close();
    });
  }

 private:
  /// @throws Napi::Error if it is closed
  std::shared_ptr<Exporter> shared(Napi::Env env) const {
    if (exporter_) return exporter_;
    throw Failure{"the exporter is closed", "ECLOSED", "", "", ""}.to_js(env);
  }

  /// A promise of what `work` returns, as an object.
  template <typename T>
  static Napi::Value object_of(Napi::Env env, typename PoolWorker<T>::Work work) {
    return promise_of<T>(env, std::move(work),
                         [](Napi::Env env, T&& value) { return to_object(env, value); });
  }

  /// attach(ifindex: number, name: string, linkHeader: boolean, mode: string, replaced: number):
  /// Promise<"tcx" | "clsact">
  Napi::Value attach(const Napi::CallbackInfo& info) {
    return promise_of<Mode>(
        info.Env(),
        [exporter = shared(info.Env()), ifindex = info[0].As<Napi::Number>().Uint32Value(),
         name = info[1].As<Napi::String>().Utf8Value(), link_header = info[2].ToBoolean().Value(),
         mode = mode_of(info[3].As<Napi::String>()),
         replaced = info[4].IsUndefined() ? 0 : info[4].As<Napi::Number>().Uint32Value()] {
          return exporter->attach(ifindex, name, link_header, mode, replaced);
        },
        [](Napi::Env env, Mode mode) { return Napi::String::New(env, mode_name(mode)); });
  }

  /// adopted(): Promise<{ ifindex: number, name: string }[]>
  Napi::Value adopted(const Napi::CallbackInfo& info) {
    using Adopted = std::vector<Exporter::Adopted>;
    return promise_of<Adopted>(
        info.Env(), [exporter = shared(info.Env())] { return exporter->adopted(); },
        [](Napi::Env env, Adopted&& all) {
          return to_array(env, all, [env](const auto& adopted) { return to_object(env, adopted); });
        });
  }

  /// replaced(): string[]
  Napi::Value replaced(const Napi::CallbackInfo& info) {
    return to_strings(info.Env(), shared(info.Env())->replaced());
  }

  /// attachmentInfo(ifindexes: number[]): Promise<({ mode, before: Predecessor[] } | undefined)[]>
  Napi::Value attachment_info(const Napi::CallbackInfo& info) {
    using All = std::vector<std::optional<AttachmentInfo>>;
    return promise_of<All>(
        info.Env(),
        [exporter = shared(info.Env()), ifindexes = to_numbers(info[0].As<Napi::Array>())] {
          return exporter->attachment_info(ifindexes);
        },
        [](Napi::Env env, All&& all) {
          return to_array(env, all, [env](const auto& attachment) -> Napi::Value {
            return attachment ? to_object(env, *attachment) : env.Undefined();
          });
        });
  }

  /// detach(ifindexes: number[]): Promise<void>
  Napi::Value detach(const Napi::CallbackInfo& info) {
    const auto all = to_numbers(info[0].As<Napi::Array>());
    const std::set<uint32_t> ifindexes(all.begin(), all.end());
    return start(info.Env(),
                 [exporter = shared(info.Env()), ifindexes] { exporter->detach(ifindexes); });
  }

  /// sweep(idleTimeoutMs: number): Promise<{ listed, expired, evicted, overflowPackets }>
  Napi::Value sweep(const Napi::CallbackInfo& info) {
    const auto timeout_ms = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    const bool report_retired = info[1].ToBoolean();
    return object_of<SweepResult>(info.Env(),
                                  [exporter = shared(info.Env()), timeout_ms, report_retired] {
                                    return exporter->sweep(timeout_ms, report_retired);
                                  });
  }

  /// keepPins(): Promise<{ anew: string[], lost: string[], reason: string }>
  Napi::Value keep_pins(const Napi::CallbackInfo& info) {
    return object_of<KeptPins>(info.Env(),
                               [exporter = shared(info.Env())] { return exporter->keep_pins(); });
  }

  /// setPrefixRules(rules): Promise<void>
  Napi::Value set_prefix_rules(const Napi::CallbackInfo& info) {
    return start(info.Env(), [exporter = shared(info.Env()),
                              rules = to_prefix_rules(info[0].As<Napi::Array>())]() mutable {
      exporter->set_prefix_rules(std::move(rules));
    });
  }

  /// setClientPorts(bits: BigUint64Array): Promise<void>
  Napi::Value set_client_ports(const Napi::CallbackInfo& info) {
    auto words = info[0].As<Napi::BigUint64Array>();
    if (words.ElementLength() != 2 * EGRESS_CLIENT_PORTS_WORDS)
      throw Napi::RangeError::New(info.Env(), "a bit for each port, twice");
    return start(info.Env(), [exporter = shared(info.Env()),
                              bits = std::vector<uint64_t>(words.Data(),
                                                           words.Data() + words.ElementLength())] {
      exporter->set_client_ports(bits);
    });
  }

  /// forgetDeparted(afterMs: number): Promise<string[]>
  Napi::Value forget_departed(const Napi::CallbackInfo& info) {
    const auto after_ms = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    using Names = std::vector<std::string>;
    return promise_of<Names>(
        info.Env(),
        [exporter = shared(info.Env()), after_ms] { return exporter->forget_departed(after_ms); },
        [](Napi::Env env, Names&& names) { return to_strings(env, names); });
  }

  /// dropCapabilities(): string[], those that stay
  Napi::Value drop_capabilities(const Napi::CallbackInfo& info) {
    return to_strings(info.Env(),
                      guarded(info.Env(), [&] { return shared(info.Env())->drop_capabilities(); }));
  }

  /// What tells the names of what was just found.
  static NameOf finder(const std::shared_ptr<Names>& names) {
    if (!names) return {};
    names->catch_up();
    return [names](const NamedDestination& one) {
      return names->name_before(one.destination, one.life_ns);
    };
  }

  /// What discover() resolves to.
  struct Found {
    Contacts contacts;
    size_t looked, records;
  };

  /// discover(most: number): Promise<Contacts & { looked: number, records: number }>
  Napi::Value discover(const Napi::CallbackInfo& info) {
    const auto to_result = [](Napi::Env env, Found&& found) {
      auto object = to_object(env, found.contacts);
      object.Set("looked", static_cast<double>(found.looked));
      object.Set("records", static_cast<double>(found.records));
      return object;
    };
    // Mostly nothing is new, and it takes no trip to another thread to know that.
    if (guarded(info.Env(), [&] { return shared(info.Env())->nothing_new(); }))
      return resolved(to_result(info.Env(), {pack({}), 0, 0}));
    const size_t most = info[0].As<Napi::Number>().Uint32Value();
    return promise_of<Found>(
        info.Env(),
        [exporter = shared(info.Env()), names = names_, most]() -> Found {
          const auto [destinations, looked, records] = exporter->discover(most);
          return {pack(destinations, finder(names)), looked, records};
        },
        to_result);
  }

  /// takeRetired(most: number): Promise<Contacts>
  Napi::Value take_retired(const Napi::CallbackInfo& info) {
    const size_t most = info[0].As<Napi::Number>().Uint32Value();
    return object_of<Contacts>(info.Env(), [exporter = shared(info.Env()), most] {
      return pack(exporter->take_retired(most));
    });
  }

  /// rank(query): Promise<Ranking>
  Napi::Value rank(const Napi::CallbackInfo& info) {
    return object_of<Ranking>(
        info.Env(), [exporter = shared(info.Env()), query = to_query(info[0].As<Napi::Object>())] {
          return exporter->rank(query);
        });
  }

  /// publish(keys: BigUint64Array, firstSeenMs: Float64Array): Promise<void>; two keys for each
  Napi::Value publish(const Napi::CallbackInfo& info) {
    auto destinations =
        to_destinations(info[0].As<Napi::BigUint64Array>(), info[1].As<Napi::Float64Array>());
    return start(info.Env(),
                 [exporter = shared(info.Env()), destinations = std::move(destinations)] {
                   exporter->publish(destinations);
                 });
  }

  /// findActive(from: number, most: number): Promise<Contacts & { next: number }>
  Napi::Value find_active(const Napi::CallbackInfo& info) {
    const uint32_t from = info[0].As<Napi::Number>().Uint32Value();
    const size_t most = info[1].As<Napi::Number>().Uint32Value();
    using Active = std::pair<uint32_t, Contacts>;
    return promise_of<Active>(
        info.Env(),
        [exporter = shared(info.Env()), from, most]() -> Active {
          const auto [next, destinations] = exporter->find_active(from, most);
          return {next, pack(destinations)};
        },
        [](Napi::Env env, Active&& active) {
          auto object = to_object(env, active.second);
          object.Set("next", active.first);
          return object;
        });
  }

  /// unnamedSenders(): Promise<{ slot, sender, cgroup, ingress }[]>
  Napi::Value unnamed_senders(const Napi::CallbackInfo& info) {
    using Unnamed = std::vector<UnnamedSender>;
    return promise_of<Unnamed>(
        info.Env(), [exporter = shared(info.Env())] { return exporter->unnamed_senders(); },
        [](Napi::Env env, Unnamed&& all) {
          return to_array(env, all, [env](const auto& one) { return to_object(env, one); });
        });
  }

  /// nameSenders(named): Promise<void>
  Napi::Value name_senders(const Napi::CallbackInfo& info) {
    return start(info.Env(), [exporter = shared(info.Env()),
                              named = to_named_senders(info[0].As<Napi::Array>())] {
      exporter->name_senders(named);
    });
  }

  /// enableStatistics()
  void enable_statistics(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { shared(info.Env())->enable_statistics(); });
  }

  /// runStatistics(): { runs: number, seconds: number }
  Napi::Value run_statistics(const Napi::CallbackInfo& info) {
    return to_object(info.Env(),
                     guarded(info.Env(), [&] { return shared(info.Env())->run_statistics(); }));
  }

  /// read(openMetrics: boolean, zeroForMs: number | undefined, buffer: Buffer): Promise<PageReader>
  Napi::Value read(const Napi::CallbackInfo& info) {
    const Page::Cursor cursor{info[0].ToBoolean() ? Format::kOpenMetrics : Format::kText};
    std::optional<uint64_t> zero_for_ns;
    if (!info[1].IsUndefined())
      zero_for_ns = static_cast<uint64_t>(info[1].As<Napi::Number>().DoubleValue() * 1e6);
    auto buffer = info[2].As<Napi::Buffer<char>>();
    const std::span<char> out = PageReader::room(buffer);
    // The reference keeps the buffer alive until the work is done.
    auto keep =
        std::make_shared<Napi::ObjectReference>(Napi::Persistent(buffer.As<Napi::Object>()));
    return promise_of<PageReader::Beginning>(
        info.Env(),
        [exporter = shared(info.Env()), pages = pages_, came_ns = monotonic_ns(), zero_for_ns,
         cursor, out] {
          PageReader::Beginning beginning{SharedPages::read(pages, *exporter, came_ns, zero_for_ns),
                                          cursor};
          beginning.filled = beginning.page->render(beginning.cursor, out);
          return beginning;
        },
        [keep](Napi::Env env, PageReader::Beginning&& beginning) {
          auto reader = env.GetInstanceData<Environment>()->page_reader.New({});
          PageReader::Unwrap(reader)->open(std::move(beginning));
          return reader;
        });
  }

  /// close(): detaches everywhere, or leaves everything to its pins; idempotent
  void close(const Napi::CallbackInfo&) {
    if (exporter_) exporter_->close();
    exporter_.reset();
  }

  std::shared_ptr<Exporter> exporter_;
  std::shared_ptr<Names> names_;  ///< of destinations; empty: they are not looked for
  const std::shared_ptr<SharedPages> pages_ = std::make_shared<SharedPages>();
};

}  // namespace

Napi::Function define_exporter(Napi::Env env) { return ExporterObject::define(env); }

}  // namespace egress::node
