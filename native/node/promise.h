// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "error.h"

namespace egress::node {

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

/// A promise that is kept already.
inline Napi::Promise resolved(Napi::Value value) {
  auto deferred = Napi::Promise::Deferred::New(value.Env());
  deferred.Resolve(value);
  return deferred.Promise();
}

/// Runs what returns nothing on a pool thread.
inline Napi::Promise start(Napi::Env env, std::function<void()> work) {
  return promise_of<std::monostate>(
      env,
      [work = std::move(work)] {
        work();
        return std::monostate();
      },
      [](Napi::Env env, std::monostate&&) { return env.Undefined(); });
}

}  // namespace egress::node
