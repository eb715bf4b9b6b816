#pragma once

#include <optional>
#include <tl/expected.hpp>

#include "base/clock.h"
#include "base/error.h"

namespace berth::registry {

/// Why a request came to nothing, and so whether and where to try again.
struct Failure {
  enum class Kind {
    unreachable,  // no connection came about: again, or elsewhere
    untrusted,    // the other side is not who it should be, or speaks no TLS: elsewhere
    transient,    // broken, stalled, overloaded: again
    refused,      // an answer that will stay the same: elsewhere
    ours,         // the receiver of the bytes or the file to send: neither
  };
  Kind kind = Kind::refused;
  Error error;
  std::optional<Duration> retry_after;  // as the other side wished
};

/// What one try gave.
template <class T>
using Attempt = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> failure(Failure::Kind kind, Error error) {
  return tl::make_unexpected(Failure{kind, std::move(error), std::nullopt});
}

}  // namespace berth::registry
