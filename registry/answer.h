#pragma once

#include <optional>
#include <string>

#include "registry/failure.h"
#include "registry/http.h"

namespace berth::registry {

/// "404 Not Found".
[[nodiscard]] std::string status_text(int status);

/// What the server says is wrong, from the body of an answer: `manifest unknown`. Empty if it says nothing readable.
/// Printable, at most a few hundred bytes.
[[nodiscard]] std::string words_of(const HttpResponse& response);

/// The answer as a failure: "ghcr.io: manifest org/app:1: 404 Not Found: manifest unknown". Overload and errors of the
/// server are transient.
[[nodiscard]] Failure refusal(const HttpResponse& response, const std::string& what, std::string hint = {});

/// `Retry-After` in seconds or as a date.
[[nodiscard]] std::optional<Duration> retry_after(const HttpResponse& response);

}  // namespace berth::registry
