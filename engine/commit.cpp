#include "engine/commit.h"

#include <algorithm>

#include "engine/record.h"

namespace berth::engine {
namespace {

void add_missing(std::vector<std::string>& list, const std::string& value) {
  auto place = std::lower_bound(list.begin(), list.end(), value);
  if (place == list.end() || *place != value) list.insert(place, value);
}

images::ImageHealthcheck healthcheck(const HealthConfig& health) {
  images::ImageHealthcheck check;
  check.test = health.test;
  check.interval = Duration(health.interval.value_or(0));
  check.timeout = Duration(health.timeout.value_or(0));
  check.start_period = Duration(health.start_period.value_or(0));
  check.start_interval = Duration(health.start_interval.value_or(0));
  check.retries = static_cast<int>(health.retries.value_or(0));
  return check;
}

}  // namespace

images::ImageConfig committed_config(const ContainerRecord& record, const images::ImageConfig& image) {
  images::ImageConfig config = image;
  if (record.config.entrypoint) {
    config.entrypoint = *record.config.entrypoint;
    config.cmd.clear();  // it was meant for the image's entrypoint
  }
  if (record.config.command) config.cmd = *record.config.command;
  config.env = record.env;
  config.user = record.user;
  if (!record.config.working_dir.empty()) config.working_dir = record.config.working_dir;
  if (!record.config.stop_signal.empty()) config.stop_signal = record.config.stop_signal;
  bool own_kind = record.health && !is_test_of_images(record.health->test);
  if (record.config.health && !own_kind)
    config.healthcheck = healthcheck(record.health.value_or(HealthConfig{{"NONE"}}));
  for (const std::string& port : record.expose)
    add_missing(config.exposed_ports, port.find('/') == std::string::npos ? port + "/tcp" : port);
  for (const PortConfig& port : record.config.ports)
    add_missing(config.exposed_ports, std::to_string(port.container_port) + "/" + port.protocol);
  for (const auto& [name, value] : record.labels) config.labels[name] = value;
  return config;
}

}  // namespace berth::engine
