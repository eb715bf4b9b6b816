#include "engine/logging.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "compose/bytes.h"
#include "engine/lower_parts.h"

namespace berth::engine {
namespace {

using Names = std::vector<std::string>;

const Names kDrivers = {"awslogs",   "etwlogs", "fluentd", "gcplogs", "gelf",  "journald",
                        "json-file", "local",   "none",    "splunk",  "syslog"};

// What json-file and local take; `local` has no attributes to keep.
const Names kLogOptions = {"compress", "max-buffer-size", "max-file", "max-size", "mode"};
const Names kAttributes = {"env", "env-regex", "labels", "labels-regex", "tag"};

constexpr uint64_t kFileBytes = 10 << 20, kLocalFileBytes = 20'000'000;
constexpr uint32_t kFiles = 3, kLocalFiles = 5;

bool is_local(const LogConfig& config) {
  return config.driver == "local";
}

bool has_options(const LogConfig& config) {
  return config.driver.empty() || config.driver == "json-file" || is_local(config);
}

Error bad_value(const std::string& option, const std::string& value, const std::string& expected) {
  return make_error(fmt::format("logging option {}: \"{}\" is not {}", option, printable(value), expected));
}

/// Docker counts these sizes by 1000: "10m" is ten million bytes.
std::optional<uint64_t> parse_size(const std::string& text) {
  std::optional<int64_t> binary = compose::parse_bytes(text);
  if (!binary || *binary <= 0) return std::nullopt;
  size_t unit =
      std::string_view("bkmgtp").find(to_lower(text)[std::min(text.find_last_of("0123456789. ") + 1, text.size() - 1)]);
  double factor = unit == std::string_view::npos ? 1 : std::pow(1000.0 / 1024.0, static_cast<double>(unit));
  return static_cast<uint64_t>(std::llround(static_cast<double>(*binary) * factor));
}

class Reader {
 public:
  explicit Reader(const LogConfig& config) : config_(config) {}

  Logging read() {
    check_driver();
    logging_.limits = {is_local(config_) ? kLocalFileBytes : kFileBytes, is_local(config_) ? kLocalFiles : kFiles, 0};
    if (config_.driver == "none") logging_.limits.files = 0;
    if (!has_options(config_)) return std::move(logging_);
    check_options();
    read_limits();
    return std::move(logging_);
  }

 private:
  void check_driver() {
    const std::string& driver = config_.driver;
    if (has_options(config_) || driver == "none") return;
    std::optional<std::string> near = nearest(driver, kDrivers);
    if (near && *near != driver) {
      logging_.errors.push_back(make_error(fmt::format("there is no logging driver \"{}\"", printable(driver)),
                                           fmt::format("did you mean \"{}\"?", *near)));
      return;
    }
    logging_.warnings.push_back(fmt::format(
        "logging driver \"{}\" is not supported: berth keeps the output itself, where `berth logs` finds it",
        printable(driver)));
  }

  void check_options() {
    Names known = kLogOptions;
    if (!is_local(config_)) known.insert(known.end(), kAttributes.begin(), kAttributes.end());
    for (const auto& [name, value] : config_.options) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      std::optional<std::string> near = nearest(name, known);
      logging_.errors.push_back(make_error(
          fmt::format("logging driver {} has no option \"{}\"", is_local(config_) ? "local" : "json-file",
                      printable(name)),
          near ? fmt::format("did you mean \"{}\"?", *near) : fmt::format("its options are {}", join(known, ", "))));
    }
    if (auto mode = option("mode"); mode && *mode != "blocking" && *mode != "non-blocking")
      logging_.errors.push_back(bad_value("mode", *mode, "blocking or non-blocking"));
    if (auto size = option("max-buffer-size"); size && !parse_size(*size))
      logging_.errors.push_back(bad_value("max-buffer-size", *size, "a size such as 4m"));
  }

  void read_limits() {
    LogLimits& limits = logging_.limits;
    if (auto text = option("max-size")) {
      std::optional<uint64_t> size = parse_size(*text);
      if (!size && *text != "-1") logging_.errors.push_back(bad_value("max-size", *text, "a size such as 10m, or -1"));
      limits.file_bytes = size.value_or(0);
      if (!is_local(config_)) limits.files = 1;  // Docker's rule: who says only this wants one file
    }
    if (auto text = option("max-file")) {
      std::optional<unsigned long long> files = parse_unsigned(*text);
      if (!files || *files < 1 || *files > UINT32_MAX)
        logging_.errors.push_back(bad_value("max-file", *text, "a number of at least 1"));
      else
        limits.files = static_cast<uint32_t>(*files);
    }
    // One file would be empty after each rotation; two halves of it are as much at most, and never nothing.
    if (limits.files == 1) limits = {(limits.file_bytes + 1) / 2, 2, 0};
  }

  [[nodiscard]] std::optional<std::string> option(const std::string& name) const {
    auto found = config_.options.find(name);
    return found == config_.options.end() ? std::nullopt : std::optional(found->second);
  }

  const LogConfig& config_;
  Logging logging_;
};

}  // namespace

Logging read_logging(const LogConfig& config) {
  return Reader(config).read();
}

bool keeps_no_log(const LogConfig& config) {
  return config.driver == "none";
}

void lower_logging(const Lowering& in) {
  if (!in.service.logging) return;
  in.container.log = {in.service.logging->driver.value_or(""), map_of(in.service.logging->options)};
  Logging logging = read_logging(in.container.log);
  const SourceSpan& place = in.service.place("logging");
  for (const Error& error : logging.errors) in.diagnostics.error(place, error.what, error.hint);
  for (const std::string& warning : logging.warnings) in.diagnostics.warning(place, warning);
}

}  // namespace berth::engine
