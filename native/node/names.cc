// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include "convert.h"
#include "error.h"

namespace egress::node {
namespace {

class NamesObject : public Napi::ObjectWrap<NamesObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Names",
        {InstanceMethod<&NamesObject::listen>("listen"),
         InstanceMethod<&NamesObject::choose>("choose"),
         InstanceMethod<&NamesObject::begin>("begin"), InstanceMethod<&NamesObject::end>("end"),
         InstanceMethod<&NamesObject::take_resolved>("takeResolved"),
         InstanceMethod<&NamesObject::count_malformed>("countMalformed"),
         InstanceMethod<&NamesObject::state>("state"),
         InstanceMethod<&NamesObject::close>("close")});
  }

  /// (limit: number, ipv4PrefixLength: number, ipv6PrefixLength: number)
  explicit NamesObject(const Napi::CallbackInfo& info)
      : ObjectWrap(info),
        names_(std::make_shared<Names>(info[0].As<Napi::Number>().Uint32Value(),
                                       info[1].As<Napi::Number>().Uint32Value(),
                                       info[2].As<Napi::Number>().Uint32Value())) {}

  std::shared_ptr<Names> shared() const { return names_; }

 private:
  Names& names(const Napi::CallbackInfo& info) const {
    if (names_) return *names_;
    throw Failure{"the names are closed", "ECLOSED", "", "", ""}.to_js(info.Env());
  }

  /// listen(), throws why it cannot
  void listen(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { names(info).listen(); });
  }

  /// choose(ifindexes: number[])
  void choose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { names(info).choose(to_numbers(info[0].As<Napi::Array>())); });
  }

  void begin(const Napi::CallbackInfo& info) { names(info).begin(); }
  void end(const Napi::CallbackInfo& info) { names(info).end(); }

  /// takeResolved(message: Uint8Array)
  void take_resolved(const Napi::CallbackInfo& info) {
    const auto message = info[0].As<Napi::Uint8Array>();
    names(info).take_resolved({message.Data(), message.ByteLength()});
  }

  void count_malformed(const Napi::CallbackInfo& info) { names(info).count_malformed(); }

  /// state(): NamesState
  Napi::Value state(const Napi::CallbackInfo& info) {
    const auto [dns, resolved, malformed, truncated, name, overflow] = names(info).state();
    auto object = Napi::Object::New(info.Env());
    object.Set("dns", static_cast<double>(dns));
    object.Set("resolved", static_cast<double>(resolved));
    object.Set("malformed", static_cast<double>(malformed));
    object.Set("truncated", static_cast<double>(truncated));
    object.Set("name", static_cast<double>(name));
    object.Set("overflow", static_cast<double>(overflow));
    return object;
  }

  /// close(): idempotent; who packs contacts may have it for a while yet
  void close(const Napi::CallbackInfo&) { names_.reset(); }

  std::shared_ptr<Names> names_;
};

}  // namespace

Napi::Function define_names(Napi::Env env) { return NamesObject::define(env); }

std::shared_ptr<Names> names_of(const Napi::Value& value) {
  if (!value.IsObject()) return {};
  return NamesObject::Unwrap(value.As<Napi::Object>())->shared();
}

}  // namespace egress::node
