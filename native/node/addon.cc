// SPDX-License-Identifier: Apache-2.0
//
// Only this folder speaks Node-API: arguments come resolved from src/kernel/, and C++ errors become
// JavaScript errors here alone.
#include <bpf/libbpf.h>
#include <napi.h>

#include "../../bpf/egress.h"
#include "../clsact_filter.h"
#include "exporter.h"
#include "host.h"
#include "names.h"
#include "page_reader.h"
#include "watch.h"

namespace egress::node {
namespace {

/// Everything lives in the environment's own exports: the addon may be loaded by several threads.
Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment{Napi::Persistent(PageReader::define(env))});
  exports.Set("Exporter", define_exporter(env));
  exports.Set("InterfaceWatch", define_watch(env));
  exports.Set("Names", define_names(env));
  define_host(env, exports);
  exports.Set("clsactHandle", ClsactFilter::kHandle);
  exports.Set("clientPortsWords", EGRESS_CLIENT_PORTS_WORDS);
  exports.Set("libbpfVersion", libbpf_version_string() + 1);  // "v1.1"
  return exports;
}

}  // namespace
}  // namespace egress::node

using egress::node::initialize;
NODE_API_MODULE(egress, initialize)
