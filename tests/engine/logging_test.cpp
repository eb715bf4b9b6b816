#include "engine/logging.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::engine;

namespace {

struct Limits {
  uint64_t bytes;
  uint32_t files;
  bool operator==(const Limits&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Limits& limits) {
  return out << limits.files << " files of " << limits.bytes;
}

Limits limits(const std::string& driver, const StringMap& options = {}) {
  Logging logging = read_logging({driver, options});
  for (const Error& error : logging.errors) FAIL_CHECK(error.what);
  return {logging.limits.file_bytes, logging.limits.files};
}

std::string complaint(const std::string& driver, const StringMap& options = {}) {
  Logging logging = read_logging({driver, options});
  if (!logging.errors.empty()) return logging.errors.front().what + "; " + logging.errors.front().hint;
  return logging.warnings.empty() ? "" : "warning: " + logging.warnings.front();
}

}  // namespace

TEST_CASE("a log is bounded without being asked") {
  CHECK(limits("") == Limits{10 << 20, 3});
  CHECK(limits("json-file") == Limits{10 << 20, 3});
  CHECK(limits("local") == Limits{20'000'000, 5});
  CHECK(limits("syslog") == Limits{10 << 20, 3});
  CHECK(limits("none").files == 0);
}

TEST_CASE("sizes of logs are counted by 1000, as Docker does") {
  CHECK(limits("json-file", {{"max-size", "10m"}, {"max-file", "3"}}) == Limits{10'000'000, 3});
  CHECK(limits("", {{"max-size", "1.5kb"}, {"max-file", "2"}}) == Limits{1500, 2});
  CHECK(limits("", {{"max-size", "7"}, {"max-file", "2"}}) == Limits{7, 2});
  CHECK(limits("", {{"max-size", "1g"}, {"max-file", "2"}}) == Limits{1'000'000'000, 2});
  CHECK(limits("local", {{"max-size", "1M"}}) == Limits{1'000'000, 5});
  CHECK(limits("", {{"max-file", "7"}}) == Limits{10 << 20, 7});
  CHECK(limits("", {{"max-size", "-1"}}).bytes == 0);
}

TEST_CASE("one file is two halves of one") {
  CHECK(limits("", {{"max-size", "10m"}}) == Limits{5'000'000, 2});
  CHECK(limits("", {{"max-size", "10m"}, {"max-file", "1"}}) == Limits{5'000'000, 2});
}

TEST_CASE("options that change nothing here are taken, wrong ones named") {
  CHECK(complaint("", {{"compress", "true"}, {"tag", "x"}, {"labels", "a,b"}, {"env-regex", "x"}}).empty());
  CHECK(complaint("local", {{"mode", "non-blocking"}, {"max-buffer-size", "4m"}}).empty());
  CHECK(complaint("", {{"mode", "quick"}}) == "logging option mode: \"quick\" is not blocking or non-blocking; ");
  CHECK(complaint("", {{"max-buffer-size", "x"}}).find("max-buffer-size") != std::string::npos);
  CHECK(complaint("", {{"max-size", "0"}}).find("\"0\" is not a size such as 10m") != std::string::npos);
  CHECK(complaint("", {{"max-file", "0"}}).find("at least 1") != std::string::npos);
  CHECK(complaint("", {{"maxsize", "1m"}}).find("did you mean \"max-size\"?") != std::string::npos);
  CHECK(complaint("local", {{"labels", "a"}}).find("local has no option \"labels\"") != std::string::npos);
  CHECK(complaint("none", {{"anything", "goes"}}).empty());
}

TEST_CASE("drivers that there are not are named") {
  CHECK(complaint("fluentd").find("warning: logging driver \"fluentd\" is not supported") == 0);
  CHECK(complaint("grafana/loki").find("warning: ") == 0);
  CHECK(complaint("json_file").find("did you mean \"json-file\"?") != std::string::npos);
}
