// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace egress::node {

/// The class InterfaceWatch of src/kernel/native/.
Napi::Function define_watch(Napi::Env env);

}  // namespace egress::node
