#include "registry/answer.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace berth::registry {
namespace {

using nlohmann::json;

constexpr size_t kWordsLimit = 300;

struct StatusName {
  int status;
  const char* name;
};
constexpr StatusName kStatusNames[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {416, "Range Not Satisfiable"},
    {429, "Too Many Requests"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

std::string member(const json& object, const char* name) {
  if (!object.is_object()) return {};
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// {"errors": [{"code", "message", "detail"}]} of registries, {"details"}, {"message"} and OAuth's {"error",
/// "error_description"} of token services.
std::string words_of_json(const json& answer) {
  if (answer.is_object() && answer.contains("errors") && answer["errors"].is_array() && !answer["errors"].empty()) {
    const json& first = answer["errors"][0];
    std::string message = member(first, "message");
    std::string detail = member(first, "detail");
    if (message.empty()) message = member(first, "code");
    return detail.empty() || detail == message ? message : message + " (" + detail + ")";
  }
  for (const char* name : {"details", "message", "error_description", "error"}) {
    if (std::string words = member(answer, name); !words.empty()) return words;
  }
  return {};
}

bool is_transient(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501);
}

}  // namespace

std::string status_text(int status) {
  const auto* found = std::find_if(std::begin(kStatusNames), std::end(kStatusNames),
                                   [&](const StatusName& entry) { return entry.status == status; });
  return found == std::end(kStatusNames) ? fmt::format("status {}", status) : fmt::format("{} {}", status, found->name);
}

std::string words_of(const HttpResponse& response) {
  json answer = json::parse(response.body, nullptr, false);
  std::string words;
  if (!answer.is_discarded())
    words = words_of_json(answer);
  else if (response.header("content-type").starts_with("text/plain"))
    words = response.body;
  return printable(trim(words.substr(0, kWordsLimit)));
}

Failure refusal(const HttpResponse& response, const std::string& what, std::string hint) {
  std::string words = words_of(response);
  std::string text = fmt::format("{}: {}: {}", response.url.authority, what, status_text(response.status));
  if (!words.empty()) text += ": " + words;
  auto kind = is_transient(response.status) ? Failure::Kind::transient : Failure::Kind::refused;
  return {kind, make_error(std::move(text), std::move(hint)), retry_after(response)};
}

std::optional<Duration> retry_after(const HttpResponse& response) {
  std::string value = response.header("retry-after");
  if (value.empty()) return std::nullopt;
  constexpr unsigned long long kLongest = 365 * 24 * 3600;
  if (auto seconds = parse_unsigned(value)) return std::chrono::seconds(std::min(*seconds, kLongest));
  time_t date = curl_getdate(value.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::chrono::seconds(std::clamp<time_t>(date - time(nullptr), 0, kLongest));
}

}  // namespace berth::registry
