// list and ps.

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/commands.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

/// Error: neither of the two that every listing has.
Result<bool> wants_json(const Arguments& arguments) {
  std::string format = arguments.value("format");
  if (format.empty() || format == "table") return false;
  if (format == "json") return true;
  return make_error(fmt::format("--format: \"{}\" is neither table nor json", printable(format)));
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += fmt::format("{:<{}}", row[i], i + 1 < row.size() ? widths[i] + 3 : 0);
    fmt::print("{}\n", line);
  }
}

std::string pid_of(const Found& container) {
  bool gone = container.phase == Phase::stopped || container.phase == Phase::creating;
  return gone ? "0" : std::to_string(container.record.process.pid);
}

/// "Uid:" and "PPid:" of /proc/PID/status.
std::string status_field(const std::string& status, const std::string& key) {
  for (const std::string& line : split(status, '\n')) {
    if (line.starts_with(key)) return split(std::string(trim(line.substr(key.size()))), '\t').front();
  }
  return "";
}

std::string command_of(pid_t pid, const std::string& status) {
  std::string line = sys::read_file(fmt::format("/proc/{}/cmdline", pid), 1 << 20).value_or("");
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line.empty() ? "[" + status_field(status, "Name:") + "]" : printable(line);
}

}  // namespace

Result<int> list(const Context& context, const Arguments& arguments) {
  BERTH_TRY(bool json, wants_json(arguments));
  nlohmann::json documents = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const std::string& id : containers_in(context.root)) {
    Result<Found> found = find(context, id);
    if (!found) {  // deleted at this moment, or a foreign file
      context.log.debug(found.error().message());
      continue;
    }
    if (arguments.has("quiet")) {
      fmt::print("{}\n", id);
      continue;
    }
    const Record& record = found->record;
    rows.push_back({id, pid_of(*found), phase_name(found->phase), printable(record.bundle), record.created,
                    record.owner == 0 ? "root" : std::to_string(record.owner)});
    documents.push_back(nlohmann::json::parse(state_json(record, found->phase, false)));
  }
  if (arguments.has("quiet")) return 0;
  if (json)
    fmt::print("{}\n", documents.dump());
  else
    print_table(rows);
  return 0;
}

Result<int> ps(const Context& context, const Arguments& arguments) {
  BERTH_TRY(bool json, wants_json(arguments));
  if (arguments.operands().size() > 1) return make_error("options for ps(1) are not supported");
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(Found container, find(context, id));
  BERTH_TRY(runtime::Cgroup group, container.cgroup());
  BERTH_TRY(std::vector<pid_t> pids, group.processes());
  std::sort(pids.begin(), pids.end());
  if (json) {
    fmt::print("{}\n", nlohmann::json(pids).dump());
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"UID", "PID", "PPID", "CMD"}};
  for (pid_t pid : pids) {
    std::string status = sys::read_file(fmt::format("/proc/{}/status", pid), 1 << 16).value_or("");
    if (status.empty()) continue;  // ended at this moment
    rows.push_back(
        {status_field(status, "Uid:"), std::to_string(pid), status_field(status, "PPid:"), command_of(pid, status)});
  }
  print_table(rows);
  return 0;
}

}  // namespace berth::oci
