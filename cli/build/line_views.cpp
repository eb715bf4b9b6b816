// The views that are read line by line: plain, json, rawjson.

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/clock.h"
#include "cli/build/step_view.h"
#include "cli/status_stream.h"
#include "images/digest.h"

namespace berth::cli {
namespace {

using builder::StepEnd;
using nlohmann::json;

void print_json(const json& document) {
  fmt::print(status_stream(), "{}\n", document.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// What the line for a step's end says behind its label.
std::string ending(const Step& step) {
  switch (*step.end) {
    case StepEnd::done:
      return "DONE " + step.seconds();
    case StepEnd::cached:
      return "CACHED";
    case StepEnd::cancelled:
      return "CANCELED";
    case StepEnd::failed:
      break;
  }
  return "ERROR";
}

bool is_good(const Step& step) {
  return *step.end == StepEnd::done || *step.end == StepEnd::cached;
}

class PlainView : public StepView {
 public:
  explicit PlainView(bool colour) : colour_(colour) {}

  void begun(const Step& step) override { print(step.name, "\033[34m"); }
  void line(const Step& step, const std::string& text) override {
    fmt::print(status_stream(), "{} | {}\n", step.label, text);
  }
  void ended(const Step& step) override {
    print(step.label + " " + ending(step), is_good(step) ? "\033[34m" : "\033[31m");
  }

 private:
  void print(const std::string& text, const char* tint) const {
    fmt::print(status_stream(), "{}{}{}\n", colour_ ? tint : "", text, colour_ ? "\033[0m" : "");
  }
  bool colour_;
};

class JsonView : public StepView {
 public:
  void begun(const Step& step) override { print(step, "Working", step.name); }
  void line(const Step& step, const std::string& text) override { print(step, "Working", text); }
  void ended(const Step& step) override {
    print(step, is_good(step) ? "Done" : "Error", step.label + " " + ending(step));
  }

 private:
  static void print(const Step& step, const char* status, const std::string& text) {
    print_json({{"id", step.label}, {"status", status}, {"text", text}});
  }
};

class RawJsonView : public StepView {
 public:
  void begun(const Step& step) override { print_json({{"vertexes", json::array({vertex(step)})}}); }
  void line(const Step& step, const std::string& text) override {
    json log{{"vertex", id_of(step)}, {"stream", 1}, {"data", base64_encode(text + "\n")}, {"timestamp", now()}};
    print_json({{"logs", json::array({std::move(log)})}});
  }
  void ended(const Step& step) override {
    json object = vertex(step);
    object["completed"] = now();
    if (*step.end == StepEnd::cached) object["cached"] = true;
    if (*step.end == StepEnd::cancelled) object["error"] = "context canceled";
    if (*step.end == StepEnd::failed) object["error"] = step.label + " failed";
    print_json({{"vertexes", json::array({std::move(object)})}});
  }

 private:
  static std::string id_of(const Step& step) { return images::sha256_of(step.name).str(); }
  static std::string now() { return format_rfc3339(wall_clock_ns()); }
  static json vertex(const Step& step) {
    auto ago = std::chrono::steady_clock::now() - step.begun;
    int64_t begun = wall_clock_ns() - std::chrono::duration_cast<std::chrono::nanoseconds>(ago).count();
    return {{"digest", id_of(step)}, {"name", step.name}, {"started", format_rfc3339(begun)}};
  }
};

}  // namespace

std::unique_ptr<StepView> make_plain_view(bool colour) {
  return std::make_unique<PlainView>(colour);
}
std::unique_ptr<StepView> make_json_view() {
  return std::make_unique<JsonView>();
}
std::unique_ptr<StepView> make_raw_json_view() {
  return std::make_unique<RawJsonView>();
}

}  // namespace berth::cli
