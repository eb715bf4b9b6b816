#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::images {

/// A content digest whose grammar has been checked: "sha256:" and 64 lower-case hex digits. Only this type becomes a
/// path or a URL, never a string from a manifest (CVE-2024-3727). Other algorithms are refused: no registry uses them
/// for images.
class Digest {
 public:
  /// Error: what was found and what was expected.
  [[nodiscard]] static Result<Digest> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] std::string hex() const { return text_.substr(kPrefix.size()); }
  /// Where an OCI image layout keeps the blob.
  [[nodiscard]] std::string blob_name() const { return "blobs/sha256/" + hex(); }
  /// The first 12 hex digits, as `image ls` shows them.
  [[nodiscard]] std::string short_hex() const { return text_.substr(kPrefix.size(), 12); }

  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  static constexpr std::string_view kPrefix = "sha256:";
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// SHA-256 over a stream.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  /// The digest of everything so far; the stream may go on (resumed downloads check what they have).
  [[nodiscard]] Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] Digest sha256_of(std::string_view bytes);

}  // namespace berth::images
