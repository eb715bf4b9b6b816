#include "images/digest.h"

#include <fmt/core.h>
// The functions for SHA-256 alone, deprecated in favour of EVP, which looks for providers and reads a configuration
// file before its first digest: 2 ms that `up` would wait for.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace berth::images {

Result<Digest> Digest::parse(std::string_view text) {
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  bool good = text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
              std::all_of(text.begin() + kPrefix.size(), text.end(), is_hex);
  if (good) return Digest(std::string(text));
  std::string shown = printable(text.substr(0, 100));
  return make_error(fmt::format("digest \"{}\": expected \"sha256:\" and 64 lower-case hex digits", shown));
}

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  BERTH_CHECK(SHA256_Init(&state_->context) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  BERTH_CHECK(SHA256_Update(&state_->context, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::digest() const {
  State copy = *state_;  // finalising ends a context, and the stream may go on
  std::string raw(SHA256_DIGEST_LENGTH, '\0');
  BERTH_CHECK(SHA256_Final(reinterpret_cast<unsigned char*>(raw.data()), &copy.context) == 1);
  return Digest(std::string(Digest::kPrefix) + to_hex(raw));
}

Digest sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

}  // namespace berth::images
