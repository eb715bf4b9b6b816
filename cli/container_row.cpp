#include "cli/container_row.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/text.h"
#include "cli/published.h"

namespace berth::cli {
namespace {

using engine::Container;
using Json = nlohmann::ordered_json;

/// "6379/tcp": what it exposes and does not publish.
std::vector<std::string> unpublished(const Container& c) {
  std::vector<std::string> ports;
  for (const std::string& exposed : c.record.expose) {
    std::string full = exposed.find('/') == std::string::npos ? exposed + "/tcp" : exposed;
    bool published = std::any_of(c.live.ports.begin(), c.live.ports.end(), [&](const engine::PublishedPort& port) {
      return full == fmt::format("{}/{}", port.container_port, port.protocol);
    });
    if (!published) ports.push_back(std::move(full));
  }
  return ports;
}

std::string ports_text(const Container& c) {
  std::vector<std::string> texts;
  if (!c.live.alive()) return "";
  for (const std::string& exposed : unpublished(c)) texts.push_back(exposed);
  for (const engine::PublishedPort& port : bindings(c)) {
    texts.push_back(fmt::format("{}->{}/{}", host_address(port), port.container_port, port.protocol));
  }
  return join(texts, ", ");
}

Json publishers(const Container& c) {
  Json list = Json::array();
  for (const engine::PublishedPort& port : bindings(c)) {
    list.push_back({{"URL", port.host_ip},
                    {"TargetPort", port.container_port},
                    {"PublishedPort", port.host_port},
                    {"Protocol", port.protocol}});
  }
  if (!c.live.alive()) return list;
  for (const std::string& exposed : unpublished(c)) {
    const size_t slash = exposed.find('/');
    std::optional<unsigned long long> port = parse_unsigned(exposed.substr(0, slash));
    if (!port) continue;  // a range
    list.push_back({{"URL", ""}, {"TargetPort", *port}, {"PublishedPort", 0}, {"Protocol", exposed.substr(slash + 1)}});
  }
  std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
    return a["TargetPort"].get<int64_t>() < b["TargetPort"].get<int64_t>();
  });
  return list;
}

std::string labels_text(const Container& c) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : c.record.labels) texts.push_back(name + "=" + value);
  return join(texts, ",");
}

std::string created_text(int64_t ns) {
  time_t seconds = ns / 1'000'000'000;
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &parts);
  return text;
}

std::string mounts_text(const Container& c, bool full) {
  constexpr size_t kShown = 15;
  std::vector<std::string> mounts;
  for (const engine::MountConfig& mount : c.record.mounts) {
    if (mount.type == "tmpfs") continue;
    bool cut = !full && mount.source.size() > kShown;
    mounts.push_back(cut ? fmt::format("{}…", mount.source.substr(0, kShown - 1)) : mount.source);
  }
  return join(mounts, ",");
}

/// Docker counts the host's and none's as networks, too.
std::string networks_text(const Container& c) {
  std::vector<std::string> networks;
  for (const engine::AttachmentConfig& a : c.record.config.attachments) networks.push_back(a.network);
  const std::string& mode = c.record.config.network_mode;
  if (mode == "host" || mode == "none") networks.push_back(mode);
  return join(networks, ",");
}

std::string local_volumes(const Container& c) {
  return std::to_string(std::count_if(c.record.mounts.begin(), c.record.mounts.end(),
                                      [](const engine::MountConfig& mount) { return mount.type == "volume"; }));
}

}  // namespace

std::string command_text(const Container& c, bool full) {
  std::vector<std::string> words;
  for (const std::string& word : c.record.args) {
    // As the engine does, but the program's never.
    const bool quoted = !words.empty() && word.find(' ') != std::string::npos;
    words.push_back(quoted ? fmt::format("'{}'", word) : word);
  }
  const std::string text = join(words, " ");
  const bool cut = !full && text.size() > 20;
  return fmt::format("\"{}{}\"", text.substr(0, cut ? 19 : text.npos), cut ? "…" : "");
}

std::string age_text(int64_t since_ns) {
  return human_duration(Duration(wall_clock_ns() - since_ns)) + " ago";
}

std::string status_text(const Container& c) {
  const engine::LiveState& live = c.live;
  switch (live.status) {
    case engine::Status::created:
      return "Created";
    case engine::Status::exited:
      return fmt::format("Exited ({}) {}", live.exit_code, age_text(live.finished_ns));
    case engine::Status::restarting:
      return fmt::format("Restarting ({}) {}", live.exit_code, age_text(live.finished_ns));
    case engine::Status::removing:
      return "Removal In Progress";
    case engine::Status::dead:
      return "Dead";
    case engine::Status::running:
    case engine::Status::paused:
      break;
  }
  std::string text = "Up " + human_duration(Duration(wall_clock_ns() - live.started_ns));
  if (live.status == engine::Status::paused) return text + " (Paused)";
  if (live.health == "starting") return text + " (health: starting)";
  return live.health.empty() ? text : text + " (" + live.health + ")";
}

Json docker_row(const Container& c, bool full) {
  return {{"Command", command_text(c, full)},
          {"CreatedAt", created_text(c.record.created_ns)},
          {"ID", full ? c.record.id : c.record.short_id()},
          {"Image", c.record.config.image},
          {"Labels", labels_text(c)},
          {"LocalVolumes", local_volumes(c)},
          {"Mounts", mounts_text(c, full)},
          {"Names", c.record.name},
          {"Networks", networks_text(c)},
          {"Ports", ports_text(c)},
          {"RunningFor", age_text(c.record.created_ns)},
          {"Size", "0B"},
          {"State", engine::status_name(c.live.status)},
          {"Status", status_text(c)}};
}

Json compose_row(const Container& c, bool full) {
  return {{"Command", command_text(c, full)},
          {"CreatedAt", created_text(c.record.created_ns)},
          {"ExitCode", c.live.exit_code},
          {"Health", c.live.health},
          {"ID", full ? c.record.id : c.record.short_id()},
          {"Image", c.record.config.image},
          {"Labels", labels_text(c)},
          {"LocalVolumes", local_volumes(c)},
          {"Mounts", mounts_text(c, full)},
          {"Name", c.record.name},
          {"Names", c.record.name},
          {"Networks", networks_text(c)},
          {"Ports", ports_text(c)},
          {"Project", c.record.project},
          {"Publishers", publishers(c)},
          {"RunningFor", age_text(c.record.created_ns)},
          {"Service", c.record.service},
          {"Size", "0B"},
          {"State", engine::status_name(c.live.status)},
          {"Status", status_text(c)}};
}

}  // namespace berth::cli
