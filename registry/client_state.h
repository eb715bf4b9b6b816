#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "registry/access.h"
#include "registry/auth.h"
#include "registry/backoff.h"
#include "registry/client.h"
#include "registry/http.h"

namespace berth::registry {

/// What the parts of Client (pull, blob, push) share.
struct Client::State {
  State(Settings the_settings, Note the_note);

  const Settings settings;
  const Note note;
  Http http;
  Auth auth;
  Access access;

  /// Where to pull from: those that could not be reached before are left out, but for the last.
  [[nodiscard]] Result<std::vector<Endpoint>> sources(const std::string& repository);
  /// The registry itself, for what must not go to a mirror.
  [[nodiscard]] Result<Endpoint> target(const std::string& repository);
  /// A source failed and there is another.
  void pass_over(const Endpoint& endpoint, const Failure& failure);

  /// The first source's result that is one. `pull` is tried again only at the last: before that, the next is nearer.
  template <class T>
  [[nodiscard]] Result<T> from_sources(const std::string& repository,
                                       const std::function<Attempt<T>(const Endpoint&)>& pull) {
    BERTH_TRY(std::vector<Endpoint> endpoints, sources(repository));
    for (size_t i = 0; i + 1 < endpoints.size(); ++i) {
      Attempt<T> result = pull(endpoints[i]);
      if (result) return std::move(*result);
      if (result.error().kind == Failure::Kind::ours) return std::move(result.error().error);
      pass_over(endpoints[i], result.error());
    }
    return retried<T>([&] { return pull(endpoints.back()); });
  }

  template <class T>
  [[nodiscard]] Result<T> retried(const std::function<Attempt<T>()>& attempt) {
    Attempt<T> result = with_retries<T>(Backoff(settings.patience, settings.patience.tries), note, attempt);
    if (!result) return std::move(result.error().error);
    return std::move(*result);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> unreachable_;  // hosts
};

}  // namespace berth::registry
