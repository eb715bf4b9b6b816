#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "images/manifest.h"
#include "registry/client.h"
#include "registry/client_state.h"

namespace berth::registry {
namespace {

using nlohmann::json;

/// Where the next page is: `Link: </v2/app/tags/list?last=x&n=100>; rel="next"`. Empty after the last one.
std::string next_page(const HttpResponse& response) {
  std::string link = response.header("link");
  size_t begin = link.find('<'), end = link.find('>');
  if (begin == std::string::npos || end == std::string::npos || link.find("rel=\"next\"") == std::string::npos)
    return {};
  return link.substr(begin + 1, end - begin - 1);
}

Result<std::vector<std::string>> tags_in(const HttpResponse& response) {
  json document = json::parse(response.body, nullptr, false);
  std::vector<std::string> tags;
  auto list = document.is_object() ? document.find("tags") : document.end();
  if (!document.is_object() || list == document.end() || !(list->is_array() || list->is_null()))
    return make_error(response.url.authority + ": the list of tags is none");
  for (const json& tag : *list) {
    if (!tag.is_string()) return make_error(response.url.authority + ": the list of tags is none");
    tags.push_back(tag.get<std::string>());
  }
  return tags;
}

}  // namespace

Result<std::vector<std::string>> Client::tags(const images::Reference& repository) {
  constexpr size_t kMostPages = 1000;
  BERTH_TRY(Endpoint endpoint, state_->target(repository.repository()));
  std::vector<std::string> tags;
  RegistryRequest request;
  request.what = "tags of " + repository.familiar_repository();
  request.path = endpoint.path + "/tags/list";
  request.scope = pull_scope(endpoint.path);
  request.limit = images::kMetadataLimit;
  for (size_t page = 0; page < kMostPages; ++page) {
    BERTH_TRY(HttpResponse response,
              state_->retried<HttpResponse>([&] { return state_->access.send(endpoint, request); }));
    BERTH_TRY(std::vector<std::string> more, tags_in(response));
    tags.insert(tags.end(), more.begin(), more.end());
    std::string next = next_page(response);
    if (next.empty()) return tags;
    BERTH_TRY(Url url, resolve_url(response.url, next));
    request.url = url.text;
  }
  return make_error(fmt::format("{}: more than {} pages of tags", endpoint.host, kMostPages));
}

}  // namespace berth::registry
