#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "images/digest.h"

namespace berth::images {

/// Durations and counts of 0 mean "not set": the default is the engine's to choose.
struct ImageHealthcheck {
  std::vector<std::string> test;  // {"NONE"}, {"CMD", argv...} or {"CMD-SHELL", command}
  Duration interval{};
  Duration timeout{};
  Duration start_period{};
  Duration start_interval{};
  int retries = 0;
  bool operator==(const ImageHealthcheck&) const = default;
};

struct HistoryEntry {
  std::string created;
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;
  bool operator==(const HistoryEntry&) const = default;
};

/// What an image says about how to run it: Docker's and OCI's image config. Everything in it comes from whoever made
/// the image: data, never an instruction to berth itself.
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // NAME=value, in the order of the file
  std::string user;
  std::string working_dir;
  std::vector<std::string> volumes;        // container paths, sorted
  std::vector<std::string> exposed_ports;  // "5432/tcp", sorted
  std::string stop_signal;
  std::map<std::string, std::string> labels;
  std::optional<ImageHealthcheck> healthcheck;
  std::vector<std::string> shell;  // for the shell form of CMD and HEALTHCHECK; empty: {"/bin/sh", "-c"}
  std::vector<std::string> onbuild;

  std::string os;
  std::string architecture;
  std::string variant;
  std::string created;  // RFC 3339 as written, empty if not said
  std::string author;
  std::vector<Digest> diff_ids;  // lowest layer first
  std::vector<HistoryEntry> history;

  bool operator==(const ImageConfig&) const = default;
};

/// Reads an image config. Unknown keys are ignored; a key of the wrong type, a bad diff id or more than 1000 layers is
/// an error that names it.
[[nodiscard]] Result<ImageConfig> parse_image_config(std::string_view json);

/// OCI's JSON with Docker's additions (Healthcheck, Shell, OnBuild). The same value gives the same bytes.
[[nodiscard]] std::string render_image_config(const ImageConfig& config);

}  // namespace berth::images
