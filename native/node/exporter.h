// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace egress::node {

/// The class Exporter of src/kernel/native/, over egress::Exporter.
Napi::Function define_exporter(Napi::Env env);

}  // namespace egress::node
