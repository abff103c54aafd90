// SPDX-License-Identifier: Apache-2.0
//
// The only file that speaks Node-API: arguments come resolved from src/kernel/, and C++ errors
// become JavaScript errors here alone.
#include <napi.h>

#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "contacts.h"
#include "error.h"
#include "exporter.h"
#include "exposition.h"
#include "features.h"
#include "folder_lock.h"
#include "interface_watch.h"
#include "listening_ports.h"
#include "listening_socket.h"
#include "pins.h"
#include "ranking.h"
#include "routes.h"
#include "rtnetlink.h"
#include "signals.h"
#include "startup_pages.h"
#include "traffic_control.h"
#include "write_now.h"

namespace {

using egress::Page;

/// Everything that a JavaScript error says; kept because workers fail off the main thread.
struct Failure {
  std::string message;
  std::string code;  // errno's name, as in Node's own system errors
  std::string operation;
  std::string object;
  std::string detail;

  static Failure of(const std::exception& error) {
    if (const auto* known = dynamic_cast<const egress::Error*>(&error)) {
      const char* name = strerrorname_np(known->number);
      return {known->what(), name ? name : "UNKNOWN", known->operation, known->object,
              known->detail};
    }
    return {error.what(), "UNKNOWN", "", "", ""};
  }

  Napi::Error to_js(Napi::Env env) const {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", code);
    error.Set("operation", operation);
    error.Set("object", object);
    error.Set("detail", detail);
    return error;
  }
};

template <typename Call>
auto guarded(Napi::Env env, Call call) {
  try {
    return call();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Failure::of(error).to_js(env);
  }
}

/// A JavaScript array of what `convert` makes of each item.
template <typename Items, typename Convert>
Napi::Array to_array(Napi::Env env, const Items& items, Convert convert) {
  auto array = Napi::Array::New(env);
  for (const auto& item : items) array.Set(array.Length(), convert(item));
  return array;
}

Napi::Object to_object(Napi::Env env, const egress::Sighting& sighting) {
  auto object = Napi::Object::New(env);
  object.Set("id", sighting.id);
  object.Set("firstSeenNs", Napi::BigInt::New(env, sighting.first_seen_ns));
  object.Set("interface", sighting.interface);
  object.Set("destination", sighting.destination);
  object.Set("port", uint32_t{sighting.port});
  object.Set("protocol", uint32_t{sighting.protocol});
  object.Set("packets", static_cast<double>(sighting.packets));
  object.Set("bytes", static_cast<double>(sighting.bytes));
  object.Set("firstSeenMs", static_cast<double>(sighting.first_seen_ms));
  object.Set("lastSeenMs", static_cast<double>(sighting.last_seen_ms));
  return object;
}

/// { count: number, json: ArrayBuffer, keys: BigUint64Array }
Napi::Object to_object(Napi::Env env, const egress::Contacts& contacts) {
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

void set_rate(Napi::Object object, egress::Rate rate) {
  object.Set("packetsPerSecond", rate.packets);
  object.Set("bytesPerSecond", rate.bytes);
}

Napi::Object to_object(Napi::Env env, const egress::RatedInterface& rated) {
  const auto& counters = rated.interface.counters;
  auto object = to_object(env, counters.total);
  object.Set("interface", rated.interface.name);
  object.Set("destinations", static_cast<double>(rated.interface.destinations));
  auto unlisted = Napi::Object::New(env);
  for (size_t reason = 0; reason < egress::kReasons.size(); reason++)
    unlisted.Set(std::string(egress::kReasons[reason]), to_object(env, counters.unlisted[reason]));
  object.Set("unlisted", unlisted);
  set_rate(object, rated.rate);
  return object;
}

Napi::Object to_object(Napi::Env env, const egress::Ranking& ranking) {
  auto object = Napi::Object::New(env);
  object.Set("matched", static_cast<double>(ranking.matched));
  object.Set("rows", to_array(env, ranking.rows, [env](const auto& row) {
               auto rated = to_object(env, row.sighting);
               set_rate(rated, row.rate);
               return rated;
             }));
  object.Set("interfaces", to_array(env, ranking.interfaces, [env](const auto& interface) {
               return to_object(env, interface);
             }));
  return object;
}

/// Runs `work` on a pool thread, then on the main thread `done` with what it returned, or `failed`.
template <typename T>
class PoolWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<T()>;
  using Done = std::function<void(Napi::Env, T&&)>;
  using Failed = std::function<void(Napi::Value error)>;

  static void start(Napi::Env env, Work work, Done done, Failed failed) {
    (new PoolWorker(env, std::move(work), std::move(done), std::move(failed)))
        ->Queue();  // deletes itself
  }

 protected:
  void Execute() override {
    try {
      value_.emplace(work_());
    } catch (const std::exception& error) {
      failure_ = Failure::of(error);
      SetError(failure_.message);
    }
  }
  void OnOK() override { done_(Env(), std::move(*value_)); }
  void OnError(const Napi::Error&) override { failed_(failure_.to_js(Env()).Value()); }

 private:
  PoolWorker(Napi::Env env, Work work, Done done, Failed failed)
      : AsyncWorker(env),
        work_(std::move(work)),
        done_(std::move(done)),
        failed_(std::move(failed)) {}

  Work work_;
  Done done_;
  Failed failed_;
  std::optional<T> value_;
  Failure failure_;
};

/// A promise of what `result` makes of what `work` returns.
template <typename T>
Napi::Promise promise_of(Napi::Env env, typename PoolWorker<T>::Work work,
                         std::function<Napi::Value(Napi::Env, T&&)> result) {
  auto deferred = Napi::Promise::Deferred::New(env);
  PoolWorker<T>::start(
      env, std::move(work),
      [deferred, result](Napi::Env env, T&& value) {
        deferred.Resolve(result(env, std::move(value)));
      },
      [deferred](Napi::Value error) { deferred.Reject(error); });
  return deferred.Promise();
}

/// A page for any number of scrapes. The last one to leave it gives its memory back for the next.
using SharedPage = std::shared_ptr<const Page>;

/// Scrapes share a page that is in use, if they came before its reading was done, or so soon after.
constexpr uint64_t kSharedNs = 50'000'000;

class Pages {
 public:
  /// On a pool thread, for a scrape that came at `came_ns`. @throws Error as Exporter::read() does
  static SharedPage read(const std::shared_ptr<Pages>& pages, egress::Exporter& exporter,
                         uint64_t came_ns, std::optional<uint64_t> zero_for_ns) {
    // Who comes meanwhile waits for it.
    std::lock_guard lock(pages->reading_);
    SharedPage latest = pages->latest_.lock();
    if (latest && came_ns < pages->latest_ns_ + kSharedNs &&
        latest->snapshot().zero_first == zero_for_ns.has_value())
      return latest;
    std::unique_ptr<Page> page = pages->take();
    page->read([&](egress::Snapshot& snapshot) { exporter.read(snapshot, zero_for_ns); });
    SharedPage shared(page.release(),
                      [pages](Page* done) { pages->keep(std::unique_ptr<Page>(done)); });
    pages->latest_ = shared;
    pages->latest_ns_ = egress::monotonic_ns();
    return shared;
  }

 private:
  std::unique_ptr<Page> take() {
    std::lock_guard lock(spare_mutex_);
    return spare_ ? std::move(spare_) : std::make_unique<Page>();
  }
  void keep(std::unique_ptr<Page> page) {
    std::lock_guard lock(spare_mutex_);
    spare_ = std::move(page);
  }

  std::mutex reading_;  // guards the latest
  std::weak_ptr<const Page> latest_;
  uint64_t latest_ns_ = 0;  // when its reading was done, CLOCK_MONOTONIC
  std::mutex spare_mutex_;  // pages come from pool threads and go back on the main thread
  std::unique_ptr<Page> spare_;
};

/// One scrape's walk over a page that other scrapes may share.
class PageReader : public Napi::ObjectWrap<PageReader> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "PageReader",
        {InstanceMethod<&PageReader::fill>("fill"), InstanceMethod<&PageReader::close>("close"),
         InstanceAccessor<&PageReader::read_ns>("readNs"),
         InstanceAccessor<&PageReader::filled>("filled"),
         InstanceAccessor<&PageReader::ended>("ended")});
  }

  explicit PageReader(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

  /// A page and how much of it was written where.
  struct Beginning {
    SharedPage page;
    Page::Cursor cursor;
    size_t filled = 0;
  };

  void open(Beginning beginning) {
    page_ = std::move(beginning.page);
    cursor_ = beginning.cursor;
    filled_ = beginning.filled;
  }

  /// The room of a buffer. @throws RangeError if it has none for a line
  static std::span<char> room(Napi::Buffer<char> buffer) {
    if (buffer.Length() < 2 * Page::kLineMax)
      throw Napi::RangeError::New(buffer.Env(), "the buffer is too small for a line");
    return {buffer.Data(), buffer.Length()};
  }

 private:
  /// fill(buffer: Buffer): Promise<number>; one call at a time
  Napi::Value fill(const Napi::CallbackInfo& info) {
    auto buffer = info[0].As<Napi::Buffer<char>>();
    const std::span<char> out = room(buffer);
    if (!page_) throw Failure{"the page is closed", "ECLOSED", "", "", ""}.to_js(info.Env());
    // The references keep buffer and cursor alive until the work is done.
    auto keep = std::make_shared<std::array<Napi::ObjectReference, 2>>();
    (*keep)[0] = Napi::Persistent(info.This().As<Napi::Object>());
    (*keep)[1] = Napi::Persistent(buffer.As<Napi::Object>());
    return promise_of<size_t>(
        info.Env(), [this, page = page_, out] { return page->render(cursor_, out); },
        [keep](Napi::Env env, size_t written) {
          return Napi::Number::New(env, static_cast<double>(written));
        });
  }

  /// filled: number, what read() wrote into its buffer
  Napi::Value filled(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(filled_));
  }

  /// ended: boolean; not while fill() is under way
  Napi::Value ended(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), Page::ended(cursor_));
  }

  /// readNs: bigint, CLOCK_MONOTONIC
  Napi::Value read_ns(const Napi::CallbackInfo& info) {
    return Napi::BigInt::New(info.Env(), page_ ? page_->snapshot().read_ns : uint64_t{0});
  }

  /// close(): lets go of the page; idempotent
  void close(const Napi::CallbackInfo&) { page_.reset(); }

  SharedPage page_;
  Page::Cursor cursor_;
  size_t filled_ = 0;
};

/// What an environment has of its own.
struct Environment {
  Napi::FunctionReference page_reader;  // the class
};

/// { bytes: Uint8Array, length: number }
egress_prefix to_prefix(const Napi::Object& prefix) {
  auto address = prefix.Get("bytes").As<Napi::Uint8Array>();
  egress_prefix key{};
  key.family = address.ByteLength() == sizeof(in_addr) ? AF_INET : AF_INET6;
  key.length = EGRESS_FAMILY_BITS + prefix.Get("length").As<Napi::Number>().Uint32Value();
  std::memcpy(key.address, address.Data(), std::min(address.ByteLength(), sizeof(key.address)));
  return key;
}

/// { bytes: Uint8Array, length: number, exclude: boolean }[]
std::vector<egress::Choice> to_choices(const Napi::Array& array) {
  std::vector<egress::Choice> choices;
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto prefix = array.Get(i).As<Napi::Object>();
    const bool exclude = prefix.Get("exclude").ToBoolean();
    choices.push_back({to_prefix(prefix), exclude ? EGRESS_EXCLUDE : EGRESS_INCLUDE});
  }
  return choices;
}

/// As src/kernel/addon.ts has it, in the order of egress::Order.
constexpr std::array kOrders = {"destination", "interface", "protocol",         "port",
                                "packets",     "bytes",     "packetsPerSecond", "bytesPerSecond",
                                "firstSeen",   "lastSeen"};

egress::Query to_query(const Napi::Object& wanted) {
  egress::Query query;
  if (wanted.Has("search")) query.search = wanted.Get("search").As<Napi::String>();
  if (wanted.Has("interface")) query.interface = wanted.Get("interface").As<Napi::String>();
  if (wanted.Has("within")) query.within = to_prefix(wanted.Get("within").As<Napi::Object>());
  auto number = [&](const char* name) { return wanted.Get(name).As<Napi::Number>().Uint32Value(); };
  if (wanted.Has("protocol")) query.protocol = static_cast<uint8_t>(number("protocol"));
  if (wanted.Has("port")) query.port = static_cast<uint16_t>(number("port"));
  if (wanted.Has("among")) {
    query.among.emplace();
    auto array = wanted.Get("among").As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) {
      auto one = array.Get(i).As<Napi::Object>();
      query.among->emplace(one.Get("interface").As<Napi::String>(),
                           one.Get("destination").As<Napi::String>());
    }
  }
  const std::string order = wanted.Get("order").As<Napi::String>();
  const auto found = std::find(kOrders.begin(), kOrders.end(), order);
  if (found == kOrders.end()) throw Napi::RangeError::New(wanted.Env(), "there is no such order");
  query.order = static_cast<egress::Order>(found - kOrders.begin());
  query.descending = wanted.Get("descending").ToBoolean();
  query.offset = number("offset");
  query.limit = number("limit");
  return query;
}

egress::ExporterOptions exporter_options(const Napi::Object& options) {
  auto number = [&](const char* name) {
    return options.Get(name).As<Napi::Number>().Uint32Value();
  };
  egress::ExporterOptions result;
  result.program.destinations_limit = number("destinationsLimit");
  result.program.choices = to_choices(options.Get("choices").As<Napi::Array>());
  result.program.ipv4_prefix_length = number("ipv4PrefixLength");
  result.program.ipv6_prefix_length = number("ipv6PrefixLength");
  result.program.aggregate_replies = options.Get("aggregateReplies").ToBoolean();
  if (options.Has("oldKernel")) result.program.old_kernel = options.Get("oldKernel").ToBoolean();
  result.pin_path = options.Get("pinPath").As<Napi::String>();
  return result;
}

const char* mode_name(egress::Mode mode) { return mode == egress::Mode::kTcx ? "tcx" : "clsact"; }

egress::Mode mode_of(const std::string& name) {
  if (name == "tcx") return egress::Mode::kTcx;
  if (name == "clsact") return egress::Mode::kClsact;
  return egress::Mode::kAuto;
}

Napi::Object to_object(Napi::Env env, const egress::Predecessor& before) {
  auto object = Napi::Object::New(env);
  object.Set("mode", mode_name(before.mode));
  object.Set("priority", before.priority);
  object.Set("programId", before.program_id);
  object.Set("name", before.name);
  return object;
}

class Exporter : public Napi::ObjectWrap<Exporter> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Exporter",
                       {InstanceMethod<&Exporter::attach>("attach"),
                        InstanceMethod<&Exporter::adopted>("adopted"),
                        InstanceMethod<&Exporter::replaced>("replaced"),
                        InstanceMethod<&Exporter::hanging>("hanging"),
                        InstanceMethod<&Exporter::detach>("detach"),
                        InstanceMethod<&Exporter::forget_departed>("forgetDeparted"),
                        InstanceMethod<&Exporter::keep_house>("keepHouse"),
                        InstanceMethod<&Exporter::take_retired>("takeRetired"),
                        InstanceMethod<&Exporter::keep_pins>("keepPins"),
                        InstanceMethod<&Exporter::choose>("choose"),
                        InstanceMethod<&Exporter::set_own_ports>("setOwnPorts"),
                        InstanceMethod<&Exporter::drop_capabilities>("dropCapabilities"),
                        InstanceMethod<&Exporter::discover>("discover"),
                        InstanceMethod<&Exporter::rank>("rank"),
                        InstanceMethod<&Exporter::know>("know"),
                        InstanceMethod<&Exporter::find_active>("findActive"),
                        InstanceMethod<&Exporter::enable_statistics>("enableStatistics"),
                        InstanceMethod<&Exporter::run_statistics>("runStatistics"),
                        InstanceMethod<&Exporter::read>("read"),
                        InstanceMethod<&Exporter::close>("close")});
  }

  explicit Exporter(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    auto options = exporter_options(info[0].As<Napi::Object>());
    exporter_ = guarded(info.Env(), [&] {
      const egress::SignalBlock quiet;
      return std::make_shared<egress::Exporter>(options);
    });
    // At a thread's or process's end finalizers come late or never, hooks in time.
    info.Env().AddCleanupHook([weak = std::weak_ptr(exporter_)] {
      if (auto exporter = weak.lock()) exporter->close();
    });
  }

 private:
  egress::Exporter& open(Napi::Env env) const {
    if (exporter_) return *exporter_;
    throw Failure{"the exporter is closed", "ECLOSED", "", "", ""}.to_js(env);
  }

  /// attach(ifindex: number, name: string, linkHeader: boolean, mode: string, replaced: number):
  /// Promise<"tcx" | "clsact">
  Napi::Value attach(const Napi::CallbackInfo& info) {
    open(info.Env());
    return promise_of<egress::Mode>(
        info.Env(),
        [exporter = exporter_, ifindex = info[0].As<Napi::Number>().Uint32Value(),
         name = info[1].As<Napi::String>().Utf8Value(), link_header = info[2].ToBoolean().Value(),
         mode = mode_of(info[3].As<Napi::String>()),
         replaced = info[4].IsUndefined() ? 0 : info[4].As<Napi::Number>().Uint32Value()] {
          return exporter->attach(ifindex, name, link_header, mode, replaced);
        },
        [](Napi::Env env, egress::Mode mode) { return Napi::String::New(env, mode_name(mode)); });
  }

  /// adopted(): Promise<{ ifindex: number, name: string }[]>
  Napi::Value adopted(const Napi::CallbackInfo& info) {
    open(info.Env());
    using Adopted = std::vector<egress::Exporter::Adopted>;
    return promise_of<Adopted>(
        info.Env(), [exporter = exporter_] { return exporter->adopted(); },
        [](Napi::Env env, Adopted&& all) {
          return to_array(env, all, [env](const auto& adopted) {
            auto object = Napi::Object::New(env);
            object.Set("ifindex", adopted.ifindex);
            object.Set("name", adopted.name);
            return object;
          });
        });
  }

  /// replaced(): string[]
  Napi::Value replaced(const Napi::CallbackInfo& info) {
    return to_array(info.Env(), open(info.Env()).replaced(), [](const auto& text) { return text; });
  }

  /// hanging(ifindexes: number[]): Promise<({ mode, before: Predecessor[] } | undefined)[]>
  Napi::Value hanging(const Napi::CallbackInfo& info) {
    open(info.Env());
    std::vector<uint32_t> ifindexes;
    auto array = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++)
      ifindexes.push_back(array.Get(i).As<Napi::Number>().Uint32Value());
    using All = std::vector<std::optional<egress::Exporter::Hanging>>;
    return promise_of<All>(
        info.Env(), [exporter = exporter_, ifindexes] { return exporter->hanging(ifindexes); },
        [](Napi::Env env, All&& all) {
          return to_array(env, all, [env](const auto& hanging) -> Napi::Value {
            if (!hanging) return env.Undefined();
            auto object = Napi::Object::New(env);
            object.Set("mode", mode_name(hanging->mode));
            object.Set("before", to_array(env, hanging->before, [env](const auto& before) {
                         return to_object(env, before);
                       }));
            return object;
          });
        });
  }

  /// detach(ifindexes: number[]): Promise<void>
  Napi::Value detach(const Napi::CallbackInfo& info) {
    open(info.Env());
    std::set<uint32_t> ifindexes;
    auto array = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++)
      ifindexes.insert(array.Get(i).As<Napi::Number>().Uint32Value());
    return start(info.Env(), [exporter = exporter_, ifindexes] { exporter->detach(ifindexes); });
  }

  /// Runs what returns nothing on a pool thread.
  static Napi::Promise start(Napi::Env env, std::function<void()> work) {
    return promise_of<std::monostate>(
        env,
        [work = std::move(work)] {
          work();
          return std::monostate();
        },
        [](Napi::Env env, std::monostate&&) { return env.Undefined(); });
  }

  /// keepHouse(idleTimeoutMs: number): Promise<{ listed, expired, evicted, overflowPackets }>
  Napi::Value keep_house(const Napi::CallbackInfo& info) {
    open(info.Env());
    const auto timeout_ms = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    const bool tell = info[1].ToBoolean();
    return promise_of<egress::Housekeeping>(
        info.Env(),
        [exporter = exporter_, timeout_ms, tell] { return exporter->keep_house(timeout_ms, tell); },
        [](Napi::Env env, egress::Housekeeping&& done) {
          auto object = Napi::Object::New(env);
          object.Set("listed", static_cast<double>(done.listed));
          object.Set("expired", static_cast<double>(done.expired));
          object.Set("evicted", static_cast<double>(done.evicted));
          object.Set("overflowPackets", static_cast<double>(done.overflow_packets));
          return object;
        });
  }

  /// keepPins(): Promise<{ anew: string[], lost: string[], reason: string }>
  Napi::Value keep_pins(const Napi::CallbackInfo& info) {
    open(info.Env());
    return promise_of<egress::KeptPins>(
        info.Env(), [exporter = exporter_] { return exporter->keep_pins(); },
        [](Napi::Env env, egress::KeptPins&& kept) {
          const auto same = [](const auto& name) { return name; };
          auto object = Napi::Object::New(env);
          object.Set("anew", to_array(env, kept.anew, same));
          object.Set("lost", to_array(env, kept.lost, same));
          object.Set("reason", kept.reason);
          return object;
        });
  }

  /// choose(choices): Promise<void>
  Napi::Value choose(const Napi::CallbackInfo& info) {
    open(info.Env());
    return start(info.Env(),
                 [exporter = exporter_, choices = to_choices(info[0].As<Napi::Array>())]() mutable {
                   exporter->choose(std::move(choices));
                 });
  }

  /// setOwnPorts(bits: BigUint64Array): Promise<void>
  Napi::Value set_own_ports(const Napi::CallbackInfo& info) {
    open(info.Env());
    auto words = info[0].As<Napi::BigUint64Array>();
    if (words.ElementLength() != 2 * EGRESS_OWN_PORTS_WORDS)
      throw Napi::RangeError::New(info.Env(), "a bit for each port, twice");
    return start(info.Env(),
                 [exporter = exporter_, bits = std::vector<uint64_t>(
                                            words.Data(), words.Data() + words.ElementLength())] {
                   exporter->set_own_ports(bits);
                 });
  }

  /// forgetDeparted(afterMs: number): Promise<string[]>
  Napi::Value forget_departed(const Napi::CallbackInfo& info) {
    open(info.Env());
    const auto after_ms = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    using Names = std::vector<std::string>;
    return promise_of<Names>(
        info.Env(),
        [exporter = exporter_, after_ms] { return exporter->forget_departed(after_ms); },
        [](Napi::Env env, Names&& names) {
          return to_array(env, names, [](const auto& name) { return name; });
        });
  }

  /// dropCapabilities(): string[], those that stay
  Napi::Value drop_capabilities(const Napi::CallbackInfo& info) {
    auto kept = guarded(info.Env(), [&] { return open(info.Env()).drop_capabilities(); });
    return to_array(info.Env(), kept, [](const auto& name) { return name; });
  }

  /// What discover() resolves to.
  struct Found {
    egress::Contacts contacts;
    size_t looked;
    size_t records;
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
    if (guarded(info.Env(), [&] { return open(info.Env()).all_known(); })) {
      auto deferred = Napi::Promise::Deferred::New(info.Env());
      deferred.Resolve(to_result(info.Env(), {egress::pack({}), 0, 0}));
      return deferred.Promise();
    }
    const size_t most = info[0].As<Napi::Number>().Uint32Value();
    return promise_of<Found>(
        info.Env(),
        [exporter = exporter_, most]() -> Found {
          const auto [sightings, looked, records] = exporter->discover(most);
          return {egress::pack(sightings), looked, records};
        },
        to_result);
  }

  /// takeRetired(most: number): Promise<Contacts>
  Napi::Value take_retired(const Napi::CallbackInfo& info) {
    open(info.Env());
    const size_t most = info[0].As<Napi::Number>().Uint32Value();
    return promise_of<egress::Contacts>(
        info.Env(),
        [exporter = exporter_, most] { return egress::pack(exporter->take_retired(most)); },
        [](Napi::Env env, egress::Contacts&& taken) { return to_object(env, taken); });
  }

  /// rank(query): Promise<Ranking>
  Napi::Value rank(const Napi::CallbackInfo& info) {
    open(info.Env());
    return promise_of<egress::Ranking>(
        info.Env(),
        [exporter = exporter_, query = to_query(info[0].As<Napi::Object>())] {
          return exporter->rank(query);
        },
        [](Napi::Env env, egress::Ranking&& ranking) { return to_object(env, ranking); });
  }

  /// know(keys: BigUint64Array, firstSeenMs: Float64Array): Promise<void>; two keys for each
  Napi::Value know(const Napi::CallbackInfo& info) {
    open(info.Env());
    const auto keys = info[0].As<Napi::BigUint64Array>();
    const auto first_seen_ms = info[1].As<Napi::Float64Array>();
    if (keys.ElementLength() != 2 * first_seen_ms.ElementLength())
      throw Napi::RangeError::New(info.Env(), "two keys for each first contact");
    std::vector<egress::Sighting> sightings(first_seen_ms.ElementLength());
    for (size_t i = 0; i < sightings.size(); i++) {
      sightings[i].id = static_cast<uint32_t>(keys[2 * i]);
      sightings[i].first_seen_ns = keys[2 * i + 1];
      sightings[i].first_seen_ms = static_cast<int64_t>(first_seen_ms[i]);
    }
    return start(info.Env(), [exporter = exporter_, sightings = std::move(sightings)] {
      exporter->know(sightings);
    });
  }

  /// findActive(from: number, most: number): Promise<Contacts & { next: number }>
  Napi::Value find_active(const Napi::CallbackInfo& info) {
    open(info.Env());
    const uint32_t from = info[0].As<Napi::Number>().Uint32Value();
    const size_t most = info[1].As<Napi::Number>().Uint32Value();
    using Active = std::pair<uint32_t, egress::Contacts>;
    return promise_of<Active>(
        info.Env(),
        [exporter = exporter_, from, most]() -> Active {
          const auto [next, sightings] = exporter->find_active(from, most);
          return {next, egress::pack(sightings)};
        },
        [](Napi::Env env, Active&& active) {
          auto object = to_object(env, active.second);
          object.Set("next", active.first);
          return object;
        });
  }

  /// enableStatistics()
  void enable_statistics(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { open(info.Env()).enable_statistics(); });
  }

  /// runStatistics(): { runs: number, seconds: number }
  Napi::Value run_statistics(const Napi::CallbackInfo& info) {
    auto statistics = guarded(info.Env(), [&] { return open(info.Env()).run_statistics(); });
    auto object = Napi::Object::New(info.Env());
    object.Set("runs", static_cast<double>(statistics.runs));
    object.Set("seconds", static_cast<double>(statistics.ns) / 1e9);
    return object;
  }

  /// read(openMetrics: boolean, zeroForMs: number | undefined, buffer: Buffer): Promise<PageReader>
  Napi::Value read(const Napi::CallbackInfo& info) {
    open(info.Env());
    Page::Cursor cursor;
    cursor.format = info[0].ToBoolean() ? egress::Format::kOpenMetrics : egress::Format::kText;
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
        [exporter = exporter_, pages = pages_, came_ns = egress::monotonic_ns(), zero_for_ns,
         cursor, out] {
          PageReader::Beginning beginning{Pages::read(pages, *exporter, came_ns, zero_for_ns),
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

  std::shared_ptr<egress::Exporter> exporter_;
  const std::shared_ptr<Pages> pages_ = std::make_shared<Pages>();
};

/// Tells JavaScript when to look at the interfaces again.
class Watch : public Napi::ObjectWrap<Watch> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "InterfaceWatch", {InstanceMethod<&Watch::close>("close")});
  }

  /// (changed: ({ links: boolean, defaultRoutes: boolean }) => void)
  explicit Watch(const Napi::CallbackInfo& info)
      : ObjectWrap(info), changed_(Napi::Persistent(info[0].As<Napi::Function>())) {
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(info.Env(), &loop);
    guarded(info.Env(), [&] {
      watch_ = std::make_shared<egress::InterfaceWatch>(
          loop, [this](egress::rtnetlink::Changes changes) { call(changes); });
    });
    info.Env().AddCleanupHook([weak = std::weak_ptr(watch_)] {
      if (auto watch = weak.lock()) watch->close();
    });
  }

 private:
  void call(egress::rtnetlink::Changes changes) {
    Napi::Env env = Env();
    Napi::HandleScope scope(env);
    auto object = Napi::Object::New(env);
    object.Set("links", changes.links);
    object.Set("defaultRoutes", changes.default_routes);
    changed_.MakeCallback(env.Global(), {object});
  }

  void close(const Napi::CallbackInfo&) { watch_.reset(); }

  Napi::FunctionReference changed_;
  std::shared_ptr<egress::InterfaceWatch> watch_;
};

Napi::Value links(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::rtnetlink::links), [env](const auto& link) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", link.ifindex);
    object.Set("name", link.name);
    object.Set("altnames", to_array(env, link.altnames, [](const auto& name) { return name; }));
    object.Set("up", link.up);
    object.Set("type", link.type);
    object.Set("kind", link.kind);
    object.Set("bus", link.bus);
    object.Set("master", link.master);
    object.Set("lower", link.lower);
    return object;
  });
}

/// (): Promise<number[]>
Napi::Value default_route_interfaces(const Napi::CallbackInfo& info) {
  using Found = std::vector<uint32_t>;
  return promise_of<Found>(info.Env(), egress::rtnetlink::default_route_interfaces,
                           [](Napi::Env env, Found&& found) {
                             return to_array(env, found, [](uint32_t ifindex) { return ifindex; });
                           });
}

/// (ifindex: number): boolean
Napi::Value has_interface(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            egress::rtnetlink::exists(info[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value listening_tcp_ports(const Napi::CallbackInfo& info) {
  return to_array(info.Env(), guarded(info.Env(), egress::listening_tcp_ports),
                  [](uint16_t port) { return uint32_t{port}; });
}

Napi::Value leftovers(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::ClsactFilter::find_all), [env](const auto& leftover) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", leftover.ifindex);
    object.Set("interface", leftover.interface);
    object.Set("programId", leftover.program_id);
    return object;
  });
}

/// ({ ifindex: number, interface: string, programId: number })
void remove_leftover(const Napi::CallbackInfo& info) {
  const auto leftover = info[0].As<Napi::Object>();
  guarded(info.Env(), [&] {
    egress::ClsactFilter::remove(leftover.Get("ifindex").As<Napi::Number>().Uint32Value(),
                                 leftover.Get("interface").As<Napi::String>(),
                                 leftover.Get("programId").As<Napi::Number>().Uint32Value());
  });
}

Napi::Value pin_folders(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::PinFolder::find_all), [env](const auto& found) {
    auto object = Napi::Object::New(env);
    object.Set("path", found.path);
    object.Set("pins", to_array(env, found.pins, [](const auto& pin) { return pin; }));
    if (!found.holder.empty()) object.Set("holder", std::stoi(found.holder));
    return object;
  });
}

/// (path: string)
void remove_pins(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { egress::Exporter::remove_pins(info[0].As<Napi::String>()); });
}

/// (ifindex: number, interface: string): number[]
Napi::Value tcx_chain(const Napi::CallbackInfo& info) {
  auto ids = guarded(info.Env(), [&] {
    return egress::tcx_chain(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::String>());
  });
  return to_array(info.Env(), ids, [](uint32_t id) { return id; });
}

/// (): { ifindex: number, kind: string }[]
Napi::Value shared_place_qdiscs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto qdiscs = guarded(env, egress::traffic_control::shared_place_qdiscs);
  return to_array(env, qdiscs, [env](const auto& qdisc) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", qdisc.first);
    object.Set("kind", qdisc.second);
    return object;
  });
}

/// (ifindex: number): { priority, handle, programId, kind, name }[]
Napi::Value clsact_filters(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t ifindex = info[0].As<Napi::Number>().Uint32Value();
  auto filters = guarded(env, [&] {
    auto all = egress::traffic_control::filters(ifindex, egress::traffic_control::Hook::kEgress);
    std::erase_if(all, [](const auto& filter) { return !filter.classifies(); });
    return all;
  });
  return to_array(env, filters, [env](const auto& filter) {
    auto object = Napi::Object::New(env);
    object.Set("priority", filter.priority);
    object.Set("handle", filter.handle);
    object.Set("programId", filter.program_id);
    object.Set("protocol", uint32_t{ntohs(filter.protocol_be)});
    object.Set("kind", filter.kind);
    object.Set("name", filter.name);
    return object;
  });
}

/// (id: number): string
Napi::Value program_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(),
                           egress::program_name(info[0].As<Napi::Number>().Uint32Value()));
}

/// (mode: "tcx" | "clsact"), throws why it cannot be done
void try_attach(const Napi::CallbackInfo& info) {
  if (auto failure = egress::try_attach(mode_of(info[0].As<Napi::String>())))
    throw Failure::of(*failure).to_js(info.Env());
}

Napi::Value has_mmapable_arrays(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), guarded(info.Env(), egress::has_mmapable_arrays));
}

Napi::Value has_membarrier(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), egress::has_membarrier());
}

Napi::Value tcx_supported(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), egress::TcxLink::supported());
}

/// (path: string, what: string): number, the descriptor that the lock goes with
Napi::Value lock_folder(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [&] {
                             return egress::lock_folder(info[0].As<Napi::String>(),
                                                        info[1].As<Napi::String>())
                                 .release();
                           }));
}

/// (host: string, port: number): number, a descriptor
Napi::Value listen_tcp(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [&] {
                             const uint32_t port = info[1].As<Napi::Number>();
                             return egress::listen_tcp(info[0].As<Napi::String>(),
                                                       static_cast<uint16_t>(port))
                                 .release();
                           }));
}

/// (path: string): number, a descriptor
Napi::Value listen_unix(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [&] {
                             return egress::listen_unix(info[0].As<Napi::String>()).release();
                           }));
}

/// (fd: number, text: Uint8Array): number
Napi::Value write_now(const Napi::CallbackInfo& info) {
  const auto text = info[1].As<Napi::Uint8Array>();
  const auto written = guarded(info.Env(), [&] {
    return egress::write_now(info[0].As<Napi::Number>(),
                             {reinterpret_cast<const char*>(text.Data()), text.ByteLength()});
  });
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

/// (seconds: number)
void set_stop_deadline(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { egress::set_stop_deadline(info[0].As<Napi::Number>()); });
}

void unblock_sigusr1(const Napi::CallbackInfo& info) {
  guarded(info.Env(), egress::unblock_sigusr1);
}

/// (code: number)
void exit_now(const Napi::CallbackInfo& info) { egress::exit_now(info[0].As<Napi::Number>()); }

void release_startup_pages(const Napi::CallbackInfo&) { egress::release_startup_pages(); }

/// Everything lives in the environment's own exports: the addon may be loaded by several threads.
Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment{Napi::Persistent(PageReader::define(env))});
  exports.Set("Exporter", Exporter::define(env));
  exports.Set("InterfaceWatch", Watch::define(env));
  exports.Set("links", Napi::Function::New(env, links));
  exports.Set("hasInterface", Napi::Function::New(env, has_interface));
  exports.Set("defaultRouteInterfaces", Napi::Function::New(env, default_route_interfaces));
  exports.Set("listeningTcpPorts", Napi::Function::New(env, listening_tcp_ports));
  exports.Set("leftovers", Napi::Function::New(env, leftovers));
  exports.Set("removeLeftover", Napi::Function::New(env, remove_leftover));
  exports.Set("pinFolders", Napi::Function::New(env, pin_folders));
  exports.Set("removePins", Napi::Function::New(env, remove_pins));
  exports.Set("tcxChain", Napi::Function::New(env, tcx_chain));
  exports.Set("sharedPlaceQdiscs", Napi::Function::New(env, shared_place_qdiscs));
  exports.Set("clsactFilters", Napi::Function::New(env, clsact_filters));
  exports.Set("programName", Napi::Function::New(env, program_name));
  exports.Set("tryAttach", Napi::Function::New(env, try_attach));
  exports.Set("hasMmapableArrays", Napi::Function::New(env, has_mmapable_arrays));
  exports.Set("hasMembarrier", Napi::Function::New(env, has_membarrier));
  exports.Set("tcxSupported", Napi::Function::New(env, tcx_supported));
  exports.Set("lockFolder", Napi::Function::New(env, lock_folder));
  exports.Set("listenTcp", Napi::Function::New(env, listen_tcp));
  exports.Set("listenUnix", Napi::Function::New(env, listen_unix));
  exports.Set("writeNow", Napi::Function::New(env, write_now));
  exports.Set("setStopDeadline", Napi::Function::New(env, set_stop_deadline));
  exports.Set("unblockSigusr1", Napi::Function::New(env, unblock_sigusr1));
  exports.Set("exitNow", Napi::Function::New(env, exit_now));
  exports.Set("releaseStartupPages", Napi::Function::New(env, release_startup_pages));
  exports.Set("libbpfVersion", libbpf_version_string() + 1);  // "v1.1"
  return exports;
}

}  // namespace

NODE_API_MODULE(egress, initialize)
