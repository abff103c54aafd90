// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <memory>

#include "../names.h"

namespace egress::node {

Napi::Function define_names(Napi::Env env);

/// Of what `new Names()` made, or undefined. @returns empty of undefined
std::shared_ptr<Names> names_of(const Napi::Value& value);

}  // namespace egress::node
