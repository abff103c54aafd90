{
  "targets": [
    {
      "target_name": "egress",
      "sources": [
        "native/address_text.cc",
        "native/answer_cache.cc",
        "native/attachment.cc",
        "native/attachments.cc",
        "native/clsact_filter.cc",
        "native/contacts.cc",
        "native/destination_table.cc",
        "native/discovery.cc",
        "native/dns_answer.cc",
        "native/dns_packet.cc",
        "native/errno_name.cc",
        "native/exporter.cc",
        "native/exposition.cc",
        "native/features.cc",
        "native/folder_lock.cc",
        "native/grace_period.cc",
        "native/interface_name.cc",
        "native/interface_slots.cc",
        "native/kept_pins.cc",
        "native/libbpf_log.cc",
        "native/listening_ports.cc",
        "native/listening_socket.cc",
        "native/names.cc",
        "native/node/addon.cc",
        "native/node/convert.cc",
        "native/node/error.cc",
        "native/node/exporter.cc",
        "native/node/host.cc",
        "native/node/interface_watch.cc",
        "native/node/names.cc",
        "native/node/watch.cc",
        "native/packet_ring.cc",
        "native/pins.cc",
        "native/prefix_rules.cc",
        "native/privileges.cc",
        "native/program.cc",
        "native/query.cc",
        "native/ranking.cc",
        "native/records.cc",
        "native/repair.cc",
        "native/retirement.cc",
        "native/routes.cc",
        "native/rtnetlink.cc",
        "native/service_notification.cc",
        "native/service_slots.cc",
        "native/shared_pages.cc",
        "native/siblings.cc",
        "native/signals.cc",
        "native/startup_pages.cc",
        "native/static_archives.cc",
        "native/traffic_control.cc",
        "native/write_now.cc"
      ],
      "include_dirs": [
        "<!(node -p \"require('node-addon-api').include_dir\")",
        "<(SHARED_INTERMEDIATE_DIR)"
      ],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS"],
      "cflags!": ["-fno-exceptions", "-O3"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-std=gnu++20", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-include precompiled.h"],
      "libraries": ["<!@(node scripts/static-libraries.js)"],
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections"],
      "actions": [
        {
          "action_name": "precompiled_header",
          "inputs": ["native/precompiled.h"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/precompiled.h.gch"],
          # By the flags of every other file. A compiler that cannot use it reads the copy.
          "action": ["sh", "-c", "cp native/precompiled.h <(SHARED_INTERMEDIATE_DIR) && $(CXX) $(DEFS_$(BUILDTYPE)) $(CFLAGS_$(BUILDTYPE)) $(filter-out -include precompiled.h,$(CFLAGS_CC_$(BUILDTYPE))) -x c++-header native/precompiled.h -o <(SHARED_INTERMEDIATE_DIR)/precompiled.h.gch"]
        },
        {
          "action_name": "bpf_object",
          "inputs": ["<!@(ls bpf/*.c bpf/*.h)", "scripts/build-bpf.sh"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/egress.skel.h"],
          "action": ["sh", "scripts/build-bpf.sh", "<(SHARED_INTERMEDIATE_DIR)"]
        }
      ]
    }
  ]
}
