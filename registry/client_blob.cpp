// Downloads of blobs, resumed where they broke off.

#include <fmt/core.h>

#include "base/text.h"
#include "registry/answer.h"
#include "registry/client.h"
#include "registry/client_state.h"

namespace berth::registry {
namespace {

using Kind = Failure::Kind;
constexpr int kTriesAtMirror = 2;

using Sink = std::function<Status(std::string_view)>;

/// Where the bytes of "bytes FIRST-LAST/TOTAL" begin; nothing if it says something else.
std::optional<uint64_t> first_byte(std::string_view content_range) {
  if (!to_lower(content_range).starts_with("bytes ")) return std::nullopt;
  content_range.remove_prefix(6);
  size_t dash = content_range.find('-');
  return dash == std::string_view::npos ? std::nullopt : parse_unsigned(trim(content_range.substr(0, dash)));
}

/// One blob on its way: how far it has come, over all tries and endpoints.
class Download {
 public:
  Download(const images::Digest& digest, uint64_t size, uint64_t offset, const Sink& sink)
      : what_("blob " + digest.str()), digest_(digest), size_(size), position_(offset), sink_(sink) {}

  [[nodiscard]] bool complete() const { return position_ == size_; }
  [[nodiscard]] uint64_t position() const { return position_; }

  /// True when the blob is complete.
  Attempt<bool> attempt(Access& access, const Endpoint& endpoint) {
    if (complete()) return true;
    verdict_.reset();
    RegistryRequest request;
    request.what = what_;
    request.path = endpoint.path + "/blobs/" + digest_.str();
    if (position_ > 0) request.headers = {fmt::format("Range: bytes={}-", position_)};
    request.scope = pull_scope(endpoint.path);
    request.on_head = [this](const HttpResponse& head) { return begin(head); };
    request.sink = [this](std::string_view bytes) { return receive(bytes); };
    Attempt<HttpResponse> response = access.send(endpoint, request);
    if (verdict_) return tl::make_unexpected(std::move(*verdict_));
    if (!response) return tl::make_unexpected(std::move(response).error());
    if (complete()) return true;
    return failure(Kind::transient, make_error(fmt::format("{}: {}: ended after {} of {} bytes",
                                                           response->url.authority, what_, position_, size_)));
  }

 private:
  Status begin(const HttpResponse& head) {
    skip_ = position_;
    if (head.status != 206) return {};
    std::optional<uint64_t> first = first_byte(head.header("content-range"));
    if (first != position_) {
      return refuse(fmt::format("{}: {}: asked for bytes from {} on, got \"{}\"", head.url.authority, what_, position_,
                                printable(head.header("content-range"))));
    }
    skip_ = 0;
    return {};
  }

  Status receive(std::string_view bytes) {
    size_t skipped = static_cast<size_t>(std::min<uint64_t>(skip_, bytes.size()));
    skip_ -= skipped;
    bytes.remove_prefix(skipped);
    if (bytes.size() > size_ - position_) {
      return refuse(fmt::format("{}: longer than the {} bytes that its manifest says", what_, size_));
    }
    if (bytes.empty()) return {};
    position_ += bytes.size();
    return sink_(bytes);
  }

  /// Ends this try: the answer is useless, but the sink had no part in that.
  Status refuse(std::string text) {
    Error error = make_error(std::move(text));
    verdict_ = Failure{Kind::refused, error, std::nullopt};
    return error;
  }

  std::string what_;
  const images::Digest& digest_;
  uint64_t size_, position_;
  const Sink& sink_;
  uint64_t skip_ = 0;  // bytes that we have already, sent again
  std::optional<Failure> verdict_;
};

}  // namespace

Status Client::blob(const images::Reference& repository, const images::Digest& digest, uint64_t size, const Sink& sink,
                    uint64_t offset) {
  BERTH_TRY(std::vector<Endpoint> endpoints, state_->sources(repository.repository()));
  Download download(digest, size, offset, sink);
  for (size_t i = 0; i < endpoints.size(); ++i) {
    bool last = i + 1 == endpoints.size();
    Backoff backoff(state_->settings.patience, last ? state_->settings.patience.tries : kTriesAtMirror);
    for (;;) {
      uint64_t before = download.position();
      Attempt<bool> done = download.attempt(state_->access, endpoints[i]);
      if (done) return {};
      Failure& trouble = done.error();
      if (trouble.kind == Kind::ours) return std::move(trouble.error);
      if (download.position() > before) backoff.progress();
      std::optional<Duration> delay = backoff.after(trouble);
      if (delay && backoff.wait(*delay, trouble, state_->note)) continue;
      if (last || state_->settings.patience.cancelled()) return std::move(trouble.error);
      state_->pass_over(endpoints[i], trouble);
      break;
    }
  }
  return {};
}

}  // namespace berth::registry
