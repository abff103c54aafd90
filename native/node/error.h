// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <exception>
#include <string>

namespace egress::node {

/// Everything that a JavaScript error says; kept because workers fail off the main thread.
struct Failure {
  std::string message;
  std::string code;  // errno's name, as in Node's own system errors
  std::string operation;
  std::string object;
  std::string detail;

  static Failure of(const std::exception& error);
  Napi::Error to_js(Napi::Env env) const;
};

/// What `call` returns; a C++ error that it throws becomes a JavaScript one.
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

}  // namespace egress::node
