// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include "../errno_name.h"
#include "../error.h"

namespace egress::node {

Failure Failure::of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const egress::Error*>(&error)) {
    const char* name = errno_name(known->number);
    return {known->what(), name ? name : "UNKNOWN", known->operation, known->object, known->detail};
  }
  return {error.what(), "UNKNOWN", "", "", ""};
}

Napi::Error Failure::to_js(Napi::Env env) const {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  error.Set("operation", operation);
  error.Set("object", object);
  error.Set("detail", detail);
  return error;
}

}  // namespace egress::node
