// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace egress::node {

/// Adds the functions of src/kernel/native/ that ask or change the host and this process.
void define_host(Napi::Env env, Napi::Object exports);

}  // namespace egress::node
