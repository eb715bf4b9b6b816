#include "oci/log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sys/file.h"

namespace berth::oci {

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec);
}

Status Log::open(const std::string& path, bool json, bool debug) {
  json_ = json;
  debug_ = debug;
  if (path.empty()) return {};
  BERTH_TRY(sys::UniqueFd file, sys::open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0644));
  file_ = file.release();
  return {};
}

void Log::write(const char* level, const std::string& message) const {
  std::string line;
  if (json_) {
    nlohmann::ordered_json entry = {{"level", level}, {"msg", message}, {"time", timestamp()}};
    line = entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  } else {
    nlohmann::json quoted = message;
    line = fmt::format("time=\"{}\" level={} msg={}\n", timestamp(), level,
                       quoted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  // One write, so that lines of several processes do not mix. Whom could we tell that it failed?
  (void)!::write(file_ >= 0 ? file_ : STDERR_FILENO, line.data(), line.size());
}

void Log::error(const Error& error) const {
  std::string message = error.message();
  if (!error.hint.empty()) message += " (" + error.hint + ")";
  if (file_ >= 0 || json_) write("error", message);
  if (file_ >= 0 || !json_) fmt::print(stderr, "berth-oci: {}\n", printable(message));
}

void Log::warn(const std::string& message) const {
  write("warning", message);
}

void Log::debug(const std::string& message) const {
  if (debug_) write("debug", message);
}

}  // namespace berth::oci
