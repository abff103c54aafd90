// SPDX-License-Identifier: Apache-2.0
#include "host.h"

#include <netinet/in.h>

#include <string>
#include <vector>

#include "../clsact_filter.h"
#include "../exporter.h"
#include "../features.h"
#include "../folder_lock.h"
#include "../listening_ports.h"
#include "../listening_socket.h"
#include "../pins.h"
#include "../routes.h"
#include "../rtnetlink.h"
#include "../service_notification.h"
#include "../signals.h"
#include "../startup_pages.h"
#include "../traffic_control.h"
#include "../write_now.h"
#include "convert.h"
#include "error.h"
#include "promise.h"

namespace egress::node {
namespace {

Napi::Value links(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::rtnetlink::links), [env](const auto& link) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", link.ifindex);
    object.Set("name", link.name);
    object.Set("altnames", to_array(env, link.altnames, [](const auto& name) { return name; }));
    object.Set("up", link.up);
    object.Set("type", link.type);
    object.Set("kind", link.kind);
    object.Set("bus", link.bus);
    object.Set("master", link.master);
    object.Set("lower", link.lower);
    return object;
  });
}

/// (): Promise<number[]>
Napi::Value default_route_interfaces(const Napi::CallbackInfo& info) {
  using Found = std::vector<uint32_t>;
  return promise_of<Found>(info.Env(), egress::rtnetlink::default_route_interfaces,
                           [](Napi::Env env, Found&& found) {
                             return to_array(env, found, [](uint32_t ifindex) { return ifindex; });
                           });
}

/// (ifindex: number): boolean
Napi::Value has_interface(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            egress::rtnetlink::exists(info[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value listening_tcp_ports(const Napi::CallbackInfo& info) {
  return to_array(info.Env(), guarded(info.Env(), egress::listening_tcp_ports),
                  [](uint16_t port) { return uint32_t{port}; });
}

Napi::Value leftovers(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::ClsactFilter::find_all), [env](const auto& leftover) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", leftover.ifindex);
    object.Set("interface", leftover.interface);
    object.Set("programId", leftover.program_id);
    return object;
  });
}

/// ({ ifindex: number, interface: string, programId: number })
void remove_leftover(const Napi::CallbackInfo& info) {
  const auto leftover = info[0].As<Napi::Object>();
  guarded(info.Env(), [&] {
    egress::ClsactFilter::remove(leftover.Get("ifindex").As<Napi::Number>().Uint32Value(),
                                 leftover.Get("interface").As<Napi::String>(),
                                 leftover.Get("programId").As<Napi::Number>().Uint32Value());
  });
}

Napi::Value pin_folders(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return to_array(env, guarded(env, egress::PinFolder::find_all), [env](const auto& found) {
    auto object = Napi::Object::New(env);
    object.Set("path", found.path);
    object.Set("pins", to_array(env, found.pins, [](const auto& pin) { return pin; }));
    if (!found.holder.empty()) object.Set("holder", std::stoi(found.holder));
    return object;
  });
}

Napi::Value bpf_file_systems(const Napi::CallbackInfo& info) {
  return to_strings(info.Env(), guarded(info.Env(), egress::bpf_file_systems));
}

/// (path: string)
void remove_pins(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { egress::Exporter::remove_pins(info[0].As<Napi::String>()); });
}

/// (ifindex: number, interface: string): number[]
Napi::Value tcx_chain(const Napi::CallbackInfo& info) {
  auto ids = guarded(info.Env(), [&] {
    return egress::tcx_chain(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::String>());
  });
  return to_array(info.Env(), ids, [](uint32_t id) { return id; });
}

/// (): { ifindex: number, kind: string }[]
Napi::Value shared_place_qdiscs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto qdiscs = guarded(env, egress::traffic_control::shared_place_qdiscs);
  return to_array(env, qdiscs, [env](const auto& qdisc) {
    auto object = Napi::Object::New(env);
    object.Set("ifindex", qdisc.first);
    object.Set("kind", qdisc.second);
    return object;
  });
}

/// (ifindex: number): { priority, handle, programId, kind, name }[]
Napi::Value clsact_filters(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t ifindex = info[0].As<Napi::Number>().Uint32Value();
  auto filters = guarded(env, [&] {
    auto all = egress::traffic_control::filters(ifindex, egress::traffic_control::Hook::kEgress);
    std::erase_if(all, [](const auto& filter) { return !filter.classifies(); });
    return all;
  });
  return to_array(env, filters, [env](const auto& filter) {
    auto object = Napi::Object::New(env);
    object.Set("priority", filter.priority);
    object.Set("handle", filter.handle);
    object.Set("programId", filter.program_id);
    object.Set("protocol", uint32_t{ntohs(filter.protocol_be)});
    object.Set("kind", filter.kind);
    object.Set("name", filter.name);
    return object;
  });
}

/// (id: number): string
Napi::Value program_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(),
                           egress::program_name(info[0].As<Napi::Number>().Uint32Value()));
}

/// (mode: "tcx" | "clsact"), throws why it cannot be done
void try_attach(const Napi::CallbackInfo& info) {
  if (auto failure = egress::try_attach(mode_of(info[0].As<Napi::String>())))
    throw Failure::of(*failure).to_js(info.Env());
}

Napi::Value has_mmapable_arrays(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), guarded(info.Env(), egress::has_mmapable_arrays));
}

Napi::Value has_membarrier(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), egress::has_membarrier());
}

Napi::Value tcx_supported(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), egress::TcxLink::supported());
}

/// (path: string, what: string): void
void lock_folder(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { hold_folder(info[0].As<Napi::String>(), info[1].As<Napi::String>()); });
}

/// (host: string, port: number): number, a descriptor
Napi::Value listen_tcp(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [&] {
                             const uint32_t port = info[1].As<Napi::Number>();
                             return egress::listen_tcp(info[0].As<Napi::String>(),
                                                       static_cast<uint16_t>(port))
                                 .release();
                           }));
}

/// (path: string): number, a descriptor
Napi::Value listen_unix(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [&] {
                             return egress::listen_unix(info[0].As<Napi::String>()).release();
                           }));
}

/// (fd: number, text: Uint8Array): number
Napi::Value write_now(const Napi::CallbackInfo& info) {
  const auto text = info[1].As<Napi::Uint8Array>();
  const auto written = guarded(info.Env(), [&] {
    return egress::write_now(info[0].As<Napi::Number>(),
                             {reinterpret_cast<const char*>(text.Data()), text.ByteLength()});
  });
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

/// (socket: string, message: string)
void notify_service_manager(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    egress::notify_service_manager(info[0].As<Napi::String>(), info[1].As<Napi::String>());
  });
}

/// (destinationsLimit: number): number
Napi::Value kernel_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(guarded(info.Env(), [&] {
                             return Program::kernel_bytes(info[0].As<Napi::Number>(),
                                                          info[1].As<Napi::Number>());
                           })));
}

/// (seconds: number)
void set_stop_deadline(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { egress::set_stop_deadline(info[0].As<Napi::Number>()); });
}

/// (seconds: number, code: number)
void set_end_deadline(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    egress::set_end_deadline(info[0].As<Napi::Number>(), info[1].As<Napi::Number>());
  });
}

void unblock_sigusr1(const Napi::CallbackInfo& info) {
  guarded(info.Env(), egress::unblock_sigusr1);
}

/// (code: number)
void exit_now(const Napi::CallbackInfo& info) { egress::exit_now(info[0].As<Napi::Number>()); }

void release_startup_pages(const Napi::CallbackInfo&) { egress::release_startup_pages(); }

}  // namespace

void define_host(Napi::Env env, Napi::Object exports) {
  exports.Set("links", Napi::Function::New(env, links));
  exports.Set("hasInterface", Napi::Function::New(env, has_interface));
  exports.Set("defaultRouteInterfaces", Napi::Function::New(env, default_route_interfaces));
  exports.Set("listeningTcpPorts", Napi::Function::New(env, listening_tcp_ports));
  exports.Set("leftovers", Napi::Function::New(env, leftovers));
  exports.Set("removeLeftover", Napi::Function::New(env, remove_leftover));
  exports.Set("pinFolders", Napi::Function::New(env, pin_folders));
  exports.Set("bpfFileSystems", Napi::Function::New(env, bpf_file_systems));
  exports.Set("removePins", Napi::Function::New(env, remove_pins));
  exports.Set("tcxChain", Napi::Function::New(env, tcx_chain));
  exports.Set("sharedPlaceQdiscs", Napi::Function::New(env, shared_place_qdiscs));
  exports.Set("clsactFilters", Napi::Function::New(env, clsact_filters));
  exports.Set("programName", Napi::Function::New(env, program_name));
  exports.Set("tryAttach", Napi::Function::New(env, try_attach));
  exports.Set("hasMmapableArrays", Napi::Function::New(env, has_mmapable_arrays));
  exports.Set("hasMembarrier", Napi::Function::New(env, has_membarrier));
  exports.Set("kernelBytes", Napi::Function::New(env, kernel_bytes));
  exports.Set("tcxSupported", Napi::Function::New(env, tcx_supported));
  exports.Set("lockFolder", Napi::Function::New(env, lock_folder));
  exports.Set("listenTcp", Napi::Function::New(env, listen_tcp));
  exports.Set("listenUnix", Napi::Function::New(env, listen_unix));
  exports.Set("writeNow", Napi::Function::New(env, write_now));
  exports.Set("notifyServiceManager", Napi::Function::New(env, notify_service_manager));
  exports.Set("setStopDeadline", Napi::Function::New(env, set_stop_deadline));
  exports.Set("setEndDeadline", Napi::Function::New(env, set_end_deadline));
  exports.Set("unblockSigusr1", Napi::Function::New(env, unblock_sigusr1));
  exports.Set("exitNow", Napi::Function::New(env, exit_now));
  exports.Set("releaseStartupPages", Napi::Function::New(env, release_startup_pages));
}

}  // namespace egress::node
