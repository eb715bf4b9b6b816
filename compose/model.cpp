#include "compose/model.h"

#include <algorithm>

namespace berth::compose {

const SourceSpan& Service::place(std::string_view attribute) const {
  auto found = std::find_if(places.begin(), places.end(), [&](const auto& place) { return place.first == attribute; });
  return found == places.end() ? span : found->second;
}

int64_t Service::replicas() const {
  if (scale) return *scale;
  if (deploy && deploy->replicas) return *deploy->replicas;
  return 1;
}

const Service* Project::find_service(std::string_view service) const {
  auto found = services.find(std::string(service));
  return found == services.end() ? nullptr : &found->second;
}

std::string_view condition_name(Condition condition) {
  switch (condition) {
    case Condition::service_started:
      return "service_started";
    case Condition::service_healthy:
      return "service_healthy";
    case Condition::service_completed_successfully:
      return "service_completed_successfully";
  }
  return "";
}

std::string_view mount_type_name(Mount::Type type) {
  switch (type) {
    case Mount::Type::bind:
      return "bind";
    case Mount::Type::volume:
      return "volume";
    case Mount::Type::tmpfs:
      return "tmpfs";
    case Mount::Type::image:
      return "image";
    case Mount::Type::npipe:
      return "npipe";
    case Mount::Type::cluster:
      return "cluster";
  }
  return "";
}

std::string restart_text(const Restart& restart) {
  switch (restart.mode) {
    case Restart::Mode::no:
      return "no";
    case Restart::Mode::always:
      return "always";
    case Restart::Mode::unless_stopped:
      return "unless-stopped";
    case Restart::Mode::on_failure:
      break;
  }
  return restart.max_retries ? "on-failure:" + std::to_string(*restart.max_retries) : "on-failure";
}

}  // namespace berth::compose
