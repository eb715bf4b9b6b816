#include "registry/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

#include "registry/access.h"
#include "registry/answer.h"
#include "registry/backoff.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

std::optional<int64_t> http_date(const std::string& text) {
  tm when{};
  if (text.empty() || strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &when) == nullptr) return std::nullopt;
  return timegm(&when);
}

}  // namespace

Result<Downloaded> download(const std::string& url, const std::string& file) {
  BERTH_TRY(Url parsed, parse_url(url));
  Settings settings;
  Http http(settings.patience);
  auto attempt = [&]() -> Attempt<HttpResponse> {
    Result<sys::UniqueFd> fd = sys::open_file(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!fd) return failure(Failure::Kind::ours, std::move(fd).error());
    HttpRequest request;
    request.url = parsed;
    request.sink = [&](std::string_view bytes) { return sys::write_all(fd->ref(), bytes); };
    Attempt<HttpResponse> response = follow(http, settings, std::move(request));
    if (response && !response->success()) return tl::make_unexpected(refusal(*response, "GET " + parsed.text));
    return response;
  };
  Attempt<HttpResponse> response =
      with_retries<HttpResponse>(Backoff(settings.patience, settings.patience.tries), {}, attempt);
  if (!response) {
    unlink(file.c_str());
    return std::move(response.error().error);
  }
  return Downloaded{http_date(response->header("last-modified"))};
}

}  // namespace berth::registry
