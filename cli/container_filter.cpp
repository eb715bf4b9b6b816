#include "cli/container_filter.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "cli/container_choice.h"

namespace berth::cli {
namespace {

const std::vector<std::string> kContainerFilterKeys = {"ancestor",  "before",  "exited", "expose", "health",
                                                       "id",        "is-task", "label",  "name",   "network",
                                                       "isolation", "publish", "since",  "status", "volume"};
const std::vector<std::string> kContainerStatuses = {"created", "restarting", "running", "removing",
                                                     "paused",  "exited",     "dead"};
const std::vector<std::string> kContainerHealths = {"starting", "healthy", "unhealthy", "none"};

Status one_of(const char* key, const std::vector<std::string>& values, const std::vector<std::string>& known) {
  for (const std::string& value : values) {
    if (std::find(known.begin(), known.end(), value) == known.end())
      return make_error(fmt::format("invalid filter '{}={}'", key, printable(value)),
                        "expected one of " + join(known, ", "));
  }
  return {};
}

/// "80", "80/udp", "8000-8010".
bool port_matches(const std::string& wanted, uint16_t port, const std::string& protocol) {
  const size_t slash = wanted.find('/');
  if ((slash == std::string::npos ? "tcp" : wanted.substr(slash + 1)) != protocol) return false;
  const std::vector<std::string> ends = split(wanted.substr(0, slash), '-');
  return port >= parse_unsigned(ends.front()).value_or(UINT16_MAX + 1) &&
         port <= parse_unsigned(ends.back()).value_or(0);
}

bool exposes(const engine::Container& container, const std::string& wanted) {
  return std::any_of(container.record.expose.begin(), container.record.expose.end(), [&](const std::string& text) {
    const size_t slash = text.find('/');
    return port_matches(wanted, static_cast<uint16_t>(parse_unsigned(text.substr(0, slash)).value_or(0)),
                        slash == std::string::npos ? "tcp" : text.substr(slash + 1));
  });
}

bool publishes(const engine::Container& container, const std::string& wanted) {
  return std::any_of(container.live.ports.begin(), container.live.ports.end(), [&](const engine::PublishedPort& port) {
    return port_matches(wanted, port.container_port, port.protocol);
  });
}

bool is_on(const engine::Container& container, const engine::Observed& observed, const std::string& wanted) {
  const engine::ContainerConfig& config = container.record.config;
  if (config.network_mode == wanted) return true;
  return std::any_of(config.attachments.begin(), config.attachments.end(), [&](const engine::AttachmentConfig& one) {
    const engine::NetworkRecord* network = observed.network(one.network);
    return one.network == wanted || (network != nullptr && network->id.starts_with(wanted));
  });
}

bool has_mount(const engine::ContainerRecord& record, const std::string& wanted) {
  return std::any_of(record.mounts.begin(), record.mounts.end(), [&](const engine::MountConfig& mount) {
    return mount.source == wanted || mount.target == wanted;
  });
}

}  // namespace

Result<ContainerFilter> ContainerFilter::parse(const std::vector<std::string>& filters, const Context& context,
                                               const engine::Observed& observed) {
  ContainerFilter filter;
  filter.observed_ = &observed;
  BERTH_TRY(filter.filter_, parse_list_filter(filters, kContainerFilterKeys));
  auto& values = filter.filter_.values;
  BERTH_TRY_OK(one_of("status", values["status"], kContainerStatuses));
  BERTH_TRY_OK(one_of("health", values["health"], kContainerHealths));
  for (auto [key, limit] : {std::pair("before", &filter.before_ns_), std::pair("since", &filter.since_ns_)}) {
    for (const std::string& name : values[key]) {
      BERTH_TRY(engine::Container container, find_container(observed, name));
      *limit = container.record.created_ns;
    }
  }
  if (!values["ancestor"].empty()) {
    BERTH_TRY(images::Store store, images::Store::open(context.paths));
    for (const std::string& name : values["ancestor"]) {
      if (Result<images::Image> image = store.resolve(name)) filter.ancestors_.push_back(std::move(*image));
    }
  }
  std::erase_if(values, [](const auto& entry) { return entry.second.empty(); });
  return filter;
}

bool ContainerFilter::matches(const engine::Container& container) const {
  return filter_.matches(container.record.labels, [&](const std::string& key, const std::string& value) {
    return holds(container, key, value);
  });
}

/// From one of the images, or from one that was built upon it.
bool ContainerFilter::descends_from_any(const engine::ContainerRecord& record) const {
  return std::any_of(ancestors_.begin(), ancestors_.end(), [&](const images::Image& image) {
    const std::vector<std::string>& base = image.layer_dirs;
    bool more = record.layers.size() > base.size();
    return image.id.str() == record.image_id ||
           (more && std::equal(base.rbegin(), base.rend(), record.layers.rbegin()));
  });
}

bool ContainerFilter::holds(const engine::Container& container, const std::string& key,
                            const std::string& value) const {
  const engine::ContainerRecord& record = container.record;
  const engine::LiveState& live = container.live;
  if (key == "ancestor") return descends_from_any(record);
  if (key == "before") return record.created_ns < *before_ns_;
  if (key == "since") return record.created_ns > *since_ns_;
  if (key == "exited") return live.status == engine::Status::exited && std::to_string(live.exit_code) == value;
  if (key == "expose") return exposes(container, value);
  if (key == "publish") return publishes(container, value);
  if (key == "health") return (live.health.empty() ? "none" : live.health) == value;
  if (key == "id") return record.id.starts_with(value);
  if (key == "is-task") return !means_true(value);
  if (key == "isolation") return value == "default";
  if (key == "name") return name_matches(record.name, value);
  if (key == "network") return is_on(container, *observed_, value);
  if (key == "status") return engine::status_name(live.status) == value;
  return has_mount(record, value);
}

}  // namespace berth::cli
