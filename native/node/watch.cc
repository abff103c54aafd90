// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <memory>

#include "../rtnetlink.h"
#include "error.h"
#include "interface_watch.h"

namespace egress::node {
namespace {

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
      watch_ = std::make_shared<InterfaceWatch>(
          loop, [this](rtnetlink::Changes changes) { call(changes); });
    });
    info.Env().AddCleanupHook([weak = std::weak_ptr(watch_)] {
      if (auto watch = weak.lock()) watch->close();
    });
  }

 private:
  void call(rtnetlink::Changes changes) {
    Napi::Env env = Env();
    Napi::HandleScope scope(env);
    auto object = Napi::Object::New(env);
    object.Set("links", changes.links);
    object.Set("defaultRoutes", changes.default_routes);
    changed_.MakeCallback(env.Global(), {object});
  }

  void close(const Napi::CallbackInfo&) { watch_.reset(); }

  Napi::FunctionReference changed_;
  std::shared_ptr<InterfaceWatch> watch_;
};

}  // namespace

Napi::Function define_watch(Napi::Env env) { return Watch::define(env); }

}  // namespace egress::node
