#include "images/digest.h"

#include <fmt/core.h>
#include <openssl/evp.h>

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
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  BERTH_CHECK(state_->context != nullptr && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  BERTH_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::digest() const {
  State copy;  // finalising ends a context, and the stream may go on
  std::string raw(32, '\0');
  BERTH_CHECK(EVP_MD_CTX_copy_ex(copy.context, state_->context) == 1);
  BERTH_CHECK(EVP_DigestFinal_ex(copy.context, reinterpret_cast<unsigned char*>(raw.data()), nullptr) == 1);
  return Digest(std::string(Digest::kPrefix) + to_hex(raw));
}

Digest sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

}  // namespace berth::images
